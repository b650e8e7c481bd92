package promote

import (
	"context"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
)

// arise starts the standby that the request names when it is on this host and has fallen, as PostgreSQL does when its
// restore_command ends by a signal or above 125, which is what scp from a dead host does. It is cut off before it starts: the
// same command would make it fall again. One that was shut down in order is left to whoever did that.
//
// say has the step recruit tell what it received from before; nobody can ask that any more once it runs.
func (r *Run) arise(ctx context.Context, say bool) error {
	s := r.named()
	if s == nil || !r.Local || r.DryRun {
		return nil
	}
	srv := postmaster.New(s.DataDirectory)
	if st := srv.Look(); st.Postmaster != postmaster.Dead || !st.Standby || st.Stopped {
		return nil
	}
	err := r.Journal.Do(step.Step{Step: "recruit", Node: &s.ID, Command: "write postgresql.auto.conf"}, func(st *step.Step) error {
		before, err := upstreamOf(ctx, srv)
		if err != nil {
			return err
		}
		if say {
			st.Detail = before
		}
		return srv.Alter(postmaster.Setting{Name: "primary_conninfo"}, postmaster.Setting{Name: "restore_command"})
	})
	if err != nil {
		return err
	}
	return r.Journal.Do(step.Step{Step: "start", Node: &s.ID}, func(*step.Step) error { return srv.Start(ctx) })
}

// upstreamOf reads from where a server that does not run would receive.
func upstreamOf(ctx context.Context, srv *postmaster.Server) (b Before, err error) {
	if b.PrimaryConnInfo, err = srv.Setting(ctx, "primary_conninfo"); err == nil {
		b.RestoreCommand, err = srv.Setting(ctx, "restore_command")
	}
	return b, err
}

// named is the server that the request names, or nil.
func (r *Run) named() *Server {
	for i := range r.Servers {
		if r.Node != nil && r.Servers[i].ID == *r.Node {
			return &r.Servers[i]
		}
	}
	return nil
}
