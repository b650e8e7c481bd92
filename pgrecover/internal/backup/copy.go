package backup

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// leastRate and mostRate are what pg_basebackup's --max-rate takes, in kB a second.
const (
	leastRate = 32
	mostRate  = 1 << 20
)

// copy makes the copy. pg_basebackup ends with us, and the next run waits for its end.
func (b *Backup) copy(ctx context.Context) error {
	info, password, err := b.connection()
	if err != nil {
		return err
	}
	args := []string{path.Join(b.Server.Bin, "pg_basebackup"), "-D", b.Data + newSuffix, "-d", info.String(), "-w", "--checkpoint=fast", "-X", "stream", "--progress"}
	if b.layout.wal != "" {
		args = append(args, "--waldir="+b.layout.wal+newSuffix)
	}
	for _, m := range b.layout.maps {
		args = append(args, m.argument())
	}
	if b.Rate > 0 {
		args = append(args, "--max-rate="+strconv.FormatInt(min(max(b.Rate>>10, leastRate), mostRate), 10))
	}
	cmd := host.Cmd{Args: host.Job(b.Data, args...), Password: password, Progress: b.progress}
	return b.Journal.Do(step.Step{Step: "copy", Node: &b.Node.ID, Command: host.Cmd{Args: args}.String()}, func(st *step.Step) error {
		if err := b.state.enter(ctx, b.Host, copying); err != nil {
			return err
		}
		for _, m := range b.layout.maps {
			if err := host.MakeDirectory(ctx, b.Host, m.put, 0o700); err != nil {
				return fmt.Errorf("make a place for the tablespace %s: %w", m.where, err)
			}
		}
		if err := b.Host.Run(ctx, cmd); err != nil {
			return err
		}
		return b.relink(ctx)
	})
}

// relink lets the links of the copy lead to where things will be.
func (b *Backup) relink(ctx context.Context) error {
	link := func(to, from string) error {
		return b.Host.Run(ctx, host.Cmd{Args: []string{"ln", "-s", "-f", "-n", "--", to, from}})
	}
	if b.layout.wal != "" {
		if err := link(b.layout.wal, b.file("pg_wal")); err != nil {
			return err
		}
	}
	for id, at := range b.layout.links {
		if err := link(at, b.file(path.Join("pg_tblspc", id))); err != nil {
			return err
		}
	}
	return nil
}

// progress makes a step of what pg_basebackup says at most once a second, such as "23456/40000 kB (58%), 0/1 tablespace".
func (b *Backup) progress(line string) bool {
	var done, total uint64
	var percent int
	if _, err := fmt.Sscanf(strings.TrimSpace(line), "%d/%d kB (%d%%)", &done, &total, &percent); err != nil {
		return strings.Contains(line, " NOTICE: ") || strings.HasPrefix(line, "waiting for checkpoint")
	}
	b.Journal.Do(step.Step{Step: "progress", Node: &b.Node.ID}, func(st *step.Step) error {
		st.Detail = map[string]any{"bytes": done << 10, "total": total << 10, "percent": percent}
		return nil
	})
	return true
}
