// Package divergent saves WAL that only a returning node has, before pgrecover discards it.
package divergent

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/plan"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// WAL is what a node that does not run has behind the place where the primary's history parted from its own.
type WAL struct {
	Node, Primary int
	History       timeline.History // of the node
	From, End     uint64
	SegmentSize   uint64
}

// Discarded saves what a plan discards, if that is anything.
func Discarded(ctx context.Context, j *step.Journal, s host.Server, p plan.Plan) error {
	d, f := p.Discards, p.Facts
	if d == nil {
		return nil
	}
	return Save(ctx, j, s, WAL{Node: f.Node, Primary: f.To, History: f.Target.History, From: d.From, End: d.To, SegmentSize: f.Target.SegmentSize})
}

// detail is what the step says.
type detail struct {
	Bytes uint64 `json:"bytes"`
	From  string `json:"from"`
	To    string `json:"to"`
	Saved string `json:"saved"` // the directory
}

// Save copies the segments into a directory beside the data directory, with a README, as the step divergent. What is
// saved already stays as it is. Without its success nothing may be discarded.
func Save(ctx context.Context, j *step.Journal, s host.Server, w WAL) error {
	return j.Do(step.Step{Step: "divergent", Node: &w.Node}, func(st *step.Step) error {
		dir, err := w.save(ctx, s, j.Now())
		if err != nil {
			return fmt.Errorf("WAL of node %d that no other server has could not be saved below %s, so nothing was discarded: %w", w.Node, parent(s), err)
		}
		st.Detail = detail{w.End - w.From, timeline.LSN(w.From), timeline.LSN(w.End), dir}
		return nil
	})
}

// parent is the directory of all that was saved of a data directory.
func parent(s host.Server) string { return path.Clean(s.Data) + ".diverged" }

// findScript prints the directory with the name $1-* in which a README has the line $2. It removes others of that name
// that have no README, which an interrupted run has left.
const findScript = `for d in "$1"-*; do [ -d "$d" ] || continue; if [ ! -e "$d/README" ]; then rm -rf -- "$d"; ` +
	`elif grep -qxF -- "$2" "$d/README"; then echo "$d"; exit 0; fi; done`

// copyScript copies files of the directory $1 to the new directory $2, and prints those that are not there. A sync of the whole file
// system would wait for what others write there.
const copyScript = `set -e; umask 077; from=$1; to=$2; shift 2; mkdir -p -- "$to"; cd -- "$from"; ` +
	`for f; do if [ -e "$f" ]; then cp -p -- "$f" "$to/"; else echo "$f"; fi; done; cd -- "$to"; set -- *; [ -e "$1" ] || set --; sync . .. "$@"`

func (w WAL) save(ctx context.Context, s host.Server, now time.Time) (dir string, err error) {
	name := path.Join(parent(s), fmt.Sprintf("%d-%s", w.piece().timeline, strings.ReplaceAll(timeline.LSN(w.From), "/", "_")))
	if dir, err = host.Output(ctx, s.Host, host.Shell(findScript, name, w.bounds())...); err != nil || dir != "" {
		return dir, err
	}
	dir = name + "-" + now.UTC().Format("20060102T150405Z")
	args := append([]string{path.Join(s.Data, "pg_wal"), dir}, w.files()...)
	missing, err := host.Output(ctx, s.Host, host.Shell(copyScript, args...)...)
	if err != nil {
		// Half of it on a full disk helps nobody.
		return "", errors.Join(err, host.Remove(context.WithoutCancel(ctx), s.Host, dir))
	}
	return dir, host.WriteFile(ctx, s.Host, path.Join(dir, "README"), []byte(w.readme(ctx, s, dir, missing, now)), 0o600)
}

// A piece is what lies on one timeline.
type piece struct {
	timeline  uint32
	from, end uint64
}

// pieces are those of all timelines, the oldest first.
func (w WAL) pieces() (all []piece) {
	begin := uint64(0)
	for _, s := range append(w.History.Past[:len(w.History.Past):len(w.History.Past)], timeline.Switch{Timeline: w.History.Timeline, End: w.End}) {
		if p := (piece{s.Timeline, max(begin, w.From), min(s.End, w.End)}); p.from < p.end {
			all = append(all, p)
		}
		begin = s.End
	}
	return all
}

// piece is the first one.
func (w WAL) piece() piece { return w.pieces()[0] }

// files are the names of the files of pg_wal that are to be saved.
func (w WAL) files() (names []string) {
	for _, p := range w.pieces() {
		for at := p.from - p.from%w.SegmentSize; at < p.end; at += w.SegmentSize {
			names = append(names, timeline.Segment{Timeline: p.timeline, Begin: at}.Name(w.SegmentSize))
		}
		if p.timeline > 1 {
			names = append(names, timeline.File(p.timeline))
		}
	}
	return names
}

// bounds is the line of the README by which a later run knows that the same was saved already.
func (w WAL) bounds() string {
	return fmt.Sprintf("%d bytes from %s to %s", w.End-w.From, timeline.LSN(w.From), timeline.LSN(w.End))
}
