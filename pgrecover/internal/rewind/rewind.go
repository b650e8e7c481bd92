// Package rewind makes a node whose WAL has parted from the primary's a copy of the primary again by pg_rewind, which
// transfers what has changed only.
package rewind

import (
	"context"
	"fmt"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/divergent"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/plan"
)

// A Rewind is one run. The caller holds the lock of the data directory.
type Rewind struct {
	Question plan.Question
	Plan     plan.Plan // its method is plan.Rewind
	Journal  *step.Journal
}

// Failed says that pg_rewind did not come to its end.
type Failed struct {
	Err    error
	Broken string // the data directory, when pg_rewind had begun to write there; "" when it is as it was
	Node   int
}

// Error implements error.
func (f Failed) Error() string {
	if f.Broken == "" {
		return fmt.Sprintf("node %d could not be rewound, and its data is as it was; pgrecover run --node %d --method backup makes a new copy: %v", f.Node, f.Node, f.Err)
	}
	return fmt.Sprintf("pg_rewind of node %d was broken off, and %s is of no use any more; pgrecover run --node %d --method backup makes a new copy: %v", f.Node, f.Broken, f.Node, f.Err)
}

// Unwrap returns Err.
func (f Failed) Unwrap() error { return f.Err }

// Run stops the node, saves its divergent WAL and rewinds it. It ends with a server that does not run, and that will start
// as a standby; who it streams from is for standby.Write to say.
//
// The error is a Failed when a new copy is the way out, and a follow.Refusal when the node turned out to be other than it
// seemed.
func (r Rewind) Run(ctx context.Context) error {
	q, seen := r.Question, r.Plan.Facts.Target
	srv := host.Server{Host: q.Host, Data: q.Node.DataDirectory, Bin: seen.Bin}
	p := r.Plan
	if seen.Runs {
		if err := r.stop(ctx, srv); err != nil {
			return err
		}
		// What it had is known when it has stopped.
		var err error
		if p, err = plan.Find(ctx, q, plan.Wish{Method: plan.Rewind}); err != nil {
			return err
		}
	}
	if err := divergent.Discarded(ctx, r.Journal, srv, p); err != nil {
		return err
	}
	if !p.Facts.Target.Clean {
		if err := r.recover(ctx, srv); err != nil {
			return Failed{Err: err, Node: q.Node.ID}
		}
	}
	if err := r.ready(ctx); err != nil {
		return err
	}
	return r.rewind(ctx, srv, p)
}

// stop ends a server that runs. A primary is not given the time for a checkpoint, which would remove WAL that pg_rewind
// reads; nothing of what it writes is kept anyway.
func (r Rewind) stop(ctx context.Context, srv host.Server) error {
	mode := "immediate"
	if r.Plan.Facts.Target.Standby {
		mode = "fast"
	}
	return r.Journal.Do(step.Step{Step: "stop", Node: &r.Question.Node.ID, Command: "pg_ctl -m " + mode + " stop"}, func(*step.Step) error {
		return srv.Stop(ctx, mode)
	})
}

// ready makes the control file of the primary tell its timeline, which pg_rewind reads there. After a promotion that comes
// with the first checkpoint only.
func (r Rewind) ready(ctx context.Context) error {
	to := r.Question.To
	conn, err := to.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	p, err := follow.Ask(ctx, conn)
	if err != nil {
		return fmt.Errorf("ask node %d (%s) for its position: %w", to.ID, to.Addr(), err)
	}
	var tli int64
	if err := conn.QueryRow(ctx, "SELECT timeline_id FROM pg_control_checkpoint()").Scan(&tli); err != nil {
		return fmt.Errorf("ask node %d (%s) for its last checkpoint: %w", to.ID, to.Addr(), err)
	}
	if uint32(tli) == p.Timeline {
		return nil
	}
	return r.Journal.Do(step.Step{Step: "checkpoint", Node: &to.ID, Command: "CHECKPOINT", Timeline: p.Timeline}, func(*step.Step) error {
		_, err := conn.Exec(ctx, "CHECKPOINT")
		return err
	})
}
