package divergent

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// readme tells a person what was saved, and how to look into it.
func (w WAL) readme(ctx context.Context, s host.Server, dir, missing string, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "WAL of node %d that was discarded when it became a standby of node %d, %s.\n\n", w.Node, w.Primary, now.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "%s\n\n", w.bounds())
	if missing != "" {
		fmt.Fprintf(&b, "The node itself had recycled before:\n%s\n\n", missing)
	}
	fmt.Fprintf(&b, "What it says:\n\n")
	for _, p := range w.pieces() {
		fmt.Fprintf(&b, "    %s\n", strings.Join(p.dump(s, dir), " "))
	}
	for _, p := range w.pieces() {
		fmt.Fprintf(&b, "\nRecords on timeline %d:\n\n%s\n", p.timeline, p.count(ctx, s, dir))
	}
	return b.String()
}

// dump is the command that prints a piece.
func (p piece) dump(s host.Server, dir string) []string {
	return []string{path.Join(s.Bin, "pg_waldump"), "-p", dir, "-t", fmt.Sprint(p.timeline), "-s", timeline.LSN(p.from), "-e", timeline.LSN(p.end)}
}

// count lets pg_waldump count the records of each kind. It fails when the end of the last record is not quite the end of
// the piece, and what it then cannot count is no reason not to go on.
func (p piece) count(ctx context.Context, s host.Server, dir string) string {
	var out strings.Builder
	err := s.Host.Run(ctx, host.Cmd{Args: append(p.dump(s, dir), "--stats=record"), Stdout: &out})
	if err != nil && out.Len() == 0 {
		return fmt.Sprintf("pg_waldump could not count them: %v\n", err)
	}
	var b strings.Builder
	for line := range strings.Lines(out.String()) {
		// Kinds of which there is none.
		if f := strings.Fields(line); len(f) < 2 || f[1] != "0" {
			b.WriteString(line)
		}
	}
	return b.String()
}
