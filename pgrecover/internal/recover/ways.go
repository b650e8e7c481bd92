package recover

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/backup"
	"github.com/pgcrew/pgcrew/pgrecover/internal/divergent"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
	"github.com/pgcrew/pgcrew/pgrecover/internal/plan"
	"github.com/pgcrew/pgcrew/pgrecover/internal/rewind"
	"github.com/pgcrew/pgcrew/pgrecover/internal/stage"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// follow points the node at the primary.
func (x *run) follow(ctx context.Context) error {
	if x.plan.Facts.Target.Runs {
		return x.follower().Run(ctx)
	}
	if still, err := x.kept(ctx); err != nil {
		return err
	} else if !still {
		return x.goes(ctx)
	}
	return x.resume(ctx)
}

// rewind goes on with a copy when it cannot be done after all.
func (x *run) rewind(ctx context.Context) error {
	if still, err := x.kept(ctx); err != nil {
		return err
	} else if !still {
		return x.goes(ctx)
	}
	err := rewind.Rewind{Question: x.question, Plan: x.plan, Journal: x.Journal}.Run(ctx)
	var failed rewind.Failed
	var refusal follow.Refusal
	switch {
	case errors.As(err, &failed) && x.Wish.Method == plan.Auto && ctx.Err() == nil:
		return x.backup(ctx)
	case errors.As(err, &refusal) && x.Wish.Method == plan.Auto && x.plan.Facts.Target.Runs:
		return x.stopped(ctx, refusal)
	case err != nil:
		return err
	}
	return x.resume(ctx)
}

// resume makes a node that does not run, and whose data is fit, a standby that does.
func (x *run) resume(ctx context.Context) error {
	var want standby.Settings
	made := false
	err := x.Journal.Do(step.Step{Step: "settings", Node: &x.Node.ID}, func(st *step.Step) error {
		values, err := x.server.Settings(ctx, standby.Names...)
		if err != nil {
			return fmt.Errorf("node %d: %w", x.Node.ID, err)
		}
		choice, err := x.Want(standby.Of(values), true)
		if err != nil {
			return err
		}
		want, st.Detail = choice.Settings, choice
		before, err := standby.MakeSlot(ctx, x.primary, want.SlotName)
		if err != nil {
			return fmt.Errorf("node %d: %w", x.To.ID, err)
		}
		made = !before.There
		return standby.Write(ctx, x.question.Host, x.Node.DataDirectory, x.plan.Facts.Source.Version, want)
	})
	if err != nil {
		if made {
			x.UndoSlot(ctx, x.Journal, want.SlotName)
		}
		return err
	}
	if err := x.start(ctx); err != nil {
		return err
	}
	return x.verify(ctx)
}

// stopped decides again about a node that ran, and that cannot be rewound since it was stopped.
func (x *run) stopped(ctx context.Context, refusal follow.Refusal) error {
	if err := x.find(ctx); err != nil {
		return err
	}
	if x.plan.Method == plan.Rewind {
		return refusal
	}
	return x.goes(ctx)
}

func (x *run) newBackup() *backup.Backup {
	return &backup.Backup{Pair: x.Pair, Host: x.question.Host, Server: x.server, Data: x.data, Primary: x.primary, Rate: x.Rate, Journal: x.Journal, Stopped: x.lookAndSave}
}

// backup replaces the node's data by a new copy. A copy of an earlier run that did not come to stream goes first.
func (x *run) backup(ctx context.Context) error {
	if x.left != nil {
		if err := x.server.Stop(ctx, "fast"); err != nil {
			return err
		}
		if err := x.left.Undo(ctx, x.question.Host, x.Node.ID, x.Journal); err != nil {
			return err
		}
		x.left = nil
	}
	left, err := x.newBackup().Run(ctx)
	if err != nil {
		return err
	}
	x.left = left
	if err := x.start(ctx); err != nil {
		return x.unproved(err)
	}
	return x.verify(ctx)
}

// lookAndSave saves what a node has that was stopped since the plan was made, or may have run.
func (x *run) lookAndSave(ctx context.Context) error {
	q := x.question
	q.Copy = true
	facts, err := plan.Gather(ctx, q)
	if err != nil {
		return err
	}
	return x.saveDivergent(ctx, facts)
}

// saveDivergent saves WAL that goes with the old data and that nobody else has. What the plan saw is saved also when the
// primary has since grown beyond it: on a timeline of the same number that hides it.
func (x *run) saveDivergent(ctx context.Context, facts plan.Facts) error {
	p, err := plan.Decide(facts, plan.Wish{Method: plan.Backup, Force: x.Wish.Force})
	if err != nil {
		return err
	}
	if p.Discards == nil {
		p = x.plan
	}
	return divergent.Discarded(ctx, x.Journal, x.server, p)
}

// saveBeforeScript saves what the script's rm -rf would take, as far as the node's host can be reached.
func (x *run) saveBeforeScript(ctx context.Context) error {
	switch {
	case x.question.Host == nil:
		return x.Journal.Do(step.Step{Step: "divergent", Node: &x.Node.ID, Skipped: true}, func(st *step.Step) error {
			st.Detail = fmt.Sprintf("its files cannot be looked at, so WAL that only it has is not saved (%v)", x.question.NoHost)
			return nil
		})
	case x.plan.Facts.Target.Files != plan.Cluster:
		return nil
	}
	if x.plan.Stop {
		return x.lookAndSave(ctx)
	}
	return x.saveDivergent(ctx, x.plan.Facts)
}

// script lets the scripts of a Pgpool-II cluster do it.
func (x *run) script(ctx context.Context) error {
	if x.plan.Stop {
		if x.question.Host == nil {
			return follow.Refusal{Why: fmt.Sprintf("node %d runs, and cannot be stopped from here (%v)", x.Node.ID, x.question.NoHost), Mend: "stop it, and try again"}
		}
		err := x.Journal.Do(step.Step{Step: "stop", Node: &x.Node.ID}, func(*step.Step) error { return x.server.Stop(ctx, "fast") })
		if err != nil {
			return err
		}
	}
	if err := x.saveBeforeScript(ctx); err != nil {
		return err
	}
	s := stage.Stage{Node: x.Node, To: x.To, Script: x.Wish.Script, Database: x.Database, Timeout: x.Patience, Journal: x.Journal}
	if err := s.Run(ctx); err != nil {
		return err
	}
	if err := x.clean(ctx); err != nil {
		return err
	}
	return x.Journal.Do(step.Step{Step: "done", Node: &x.Node.ID}, func(st *step.Step) error {
		st.Detail = map[string]any{"to": x.To.ID}
		return nil
	})
}
