// Package follow makes a server a standby of another one, when what it has is a part of the other's history.
package follow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/lock"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
	"github.com/pgcrew/pgcrew/pgrecover/internal/upstream"
)

// A Follow is one run. It may be run again after any error, and does what is left to do; when that is nothing, it succeeds.
type Follow struct {
	Node, To backend.Server
	Cluster  []backend.Server // all of the configuration
	Local    bool             // Node is on this host: it may be started and restarted
	DryRun   bool             // look and say, change nothing
	Timeout  time.Duration    // for everything; 0 is no limit
	Journal  *step.Journal

	// Before tells what the upstream of Node was when Node does not know any more; nil when nobody knows.
	Before func(context.Context) (upstream.Upstream, error)

	Patience time.Duration               // how long it may neither stream nor replay any more when all is set up; 0 is as long as Timeout
	Restart  func(context.Context) error // restarts Node, which is on another host or locked by the caller; nil leaves it to Local
	After    func(context.Context) error // is called when it streams, before the step done; may be nil
}

// A Refusal says that nothing was changed, because a server is not as it must be.
type Refusal struct {
	Why  string
	Mend string
}

// Error implements error.
func (r Refusal) Error() string { return r.Why + ": " + r.Mend }

// Run returns when Node streams and replays from To.
func (f *Follow) Run(ctx context.Context) error {
	if f.Timeout > 0 {
		late := fmt.Errorf("it was not done within %v: %w", f.Timeout, context.DeadlineExceeded)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.Timeout, late)
		defer cancel()
	}
	if !f.Local {
		return f.running(ctx)
	}
	srv := postmaster.New(f.Node.DataDirectory)
	if st := srv.Look(); st.Postmaster == postmaster.Unknown {
		// A standby that runs can still be told by SQL alone.
		if err := f.running(ctx); err != nil {
			return fmt.Errorf("%w; its processes cannot be looked at: %s", err, st.Why)
		}
		return nil
	}
	release, err := lock.Directory(f.Node.DataDirectory)
	if err != nil {
		return err
	}
	defer release()
	switch st := srv.Look(); st.Postmaster {
	case postmaster.Runs:
		return f.running(ctx)
	case postmaster.Dead:
		return f.stopped(ctx, srv)
	case postmaster.Orphans:
		return Refusal{fmt.Sprintf("node %d is dead, but processes %v of it still live", f.Node.ID, st.Orphans), "end them, and try again"}
	default:
		return fmt.Errorf("node %d: %s", f.Node.ID, st.Why)
	}
}

// running is the way for a server that can be asked.
func (f *Follow) running(ctx context.Context) error {
	n, err := f.look(ctx, f.Node)
	if err != nil {
		return err
	}
	defer n.close(ctx)
	m, err := f.primary(ctx)
	if err != nil {
		return err
	}
	defer m.close(ctx)
	if err := errors.Join(m.known(), sameSystem(f.Node.ID, n.SystemID, m)); err != nil {
		return err
	}
	if !n.Standby {
		return Refusal{fmt.Sprintf("node %d runs as a primary, and is left alone", f.Node.ID),
			"stop it in order (pg_ctl -m fast stop) if it is to follow node " + fmt.Sprint(f.To.ID)}
	}
	if err := f.judge(ctx, n, m); err != nil {
		return err
	}
	want, err := f.want(ctx, n.Settings, m)
	if err != nil {
		return err
	}
	made, err := f.slot(ctx, m, want)
	if err != nil {
		return err
	}
	// The slot keeps what is there now. Before it was made, more may have been removed.
	if err := f.lost(ctx, n, m, want.RestoreCommand); err != nil {
		if made {
			f.pair().UndoSlot(ctx, f.Journal, want.SlotName)
		}
		return untouched(err)
	}
	if err := f.alter(ctx, n, want); err != nil || f.DryRun {
		return err
	}
	return f.stream(ctx, n, m)
}

// stopped is the way for a server that does not run and is on this host.
func (f *Follow) stopped(ctx context.Context, srv *postmaster.Server) error {
	m, err := f.primary(ctx)
	if err != nil {
		return err
	}
	defer m.close(ctx)
	if err := m.known(); err != nil {
		return err
	}
	if err := f.judgeFiles(srv, m); err != nil {
		return err
	}
	now, err := standby.Read(func(name string) (string, error) { return srv.Setting(ctx, name) })
	if err != nil {
		return fmt.Errorf("node %d: %w", f.Node.ID, err)
	}
	want, err := f.want(ctx, now, m)
	if err != nil {
		return err
	}
	if _, err := f.slot(ctx, m, want); err != nil {
		return err
	}
	if err := f.write(ctx, srv, want); err != nil || f.DryRun {
		return err
	}
	if err := f.start(ctx, srv); err != nil {
		return err
	}
	n, err := f.look(ctx, f.Node)
	if err != nil {
		return err
	}
	defer n.close(ctx)
	if !n.Standby {
		return fmt.Errorf("node %d was to be started as a standby, and is a primary: somebody else started it", f.Node.ID)
	}
	// What a stopped standby had received and not replayed is known only now.
	if err := f.judge(ctx, n, m); err != nil {
		return err
	}
	return f.stream(ctx, n, m)
}

func (f *Follow) start(ctx context.Context, srv *postmaster.Server) error {
	return f.Journal.Do(step.Step{Step: "start", Node: &f.Node.ID}, func(*step.Step) error {
		return srv.Start(ctx)
	})
}

func sameSystem(id int, system string, m *server) error {
	if system != m.SystemID {
		return Refusal{fmt.Sprintf("node %d and node %d are servers of different clusters (system identifiers %s and %s)", id, m.ID, system, m.SystemID),
			"make it a copy of node " + fmt.Sprint(m.ID) + " by pg_basebackup, or correct the configuration"}
	}
	return nil
}
