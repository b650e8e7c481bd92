package rewind

import (
	"context"
	"path"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// recover lets a server that has crashed finish its WAL, as pg_rewind demands. It does that without letting anybody in, and
// without removing WAL at its end, as pg_rewind's own way would: that WAL may lead to the last common checkpoint.
func (r Rewind) recover(ctx context.Context, srv host.Server) error {
	return r.Journal.Do(step.Step{Step: "crash recovery", Node: &r.Question.Node.ID, Command: "postgres --single"}, func(*step.Step) error {
		// It is as old as the server, and its number may be another process's now. That no process of the server
		// lives, stop or Gather has seen.
		if err := host.Remove(ctx, srv.Host, path.Join(srv.Data, "postmaster.pid")); err != nil {
			return err
		}
		words, err := host.Options(ctx, srv.Host, srv.Data)
		if err != nil {
			return err
		}
		keep := []string{"-c", "wal_keep_size=1TB", "-c", "max_slot_wal_keep_size=-1"}
		if r.Plan.Facts.Target.Major < 13 {
			keep = []string{"-c", "wal_keep_segments=100000"}
		}
		args := append([]string{path.Join(srv.Bin, "postgres"), "--single"}, words[1:]...)
		args = append(append(args, keep...), "-D", srv.Data, "-c", "archive_mode=off", "template1")
		return srv.Host.Run(ctx, host.Cmd{Args: host.Job(srv.Data, args...)})
	})
}
