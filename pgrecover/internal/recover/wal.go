package recover

import (
	"context"
	"errors"
	"time"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
	"github.com/pgcrew/pgcrew/pgrecover/internal/plan"
)

// keepWAL keeps the primary from removing WAL from its last checkpoint on, until this run's session ends. A promotion's WAL since
// the fork is what the node needs first, and the checkpoint before pg_rewind would take it: the slot of the node comes later. When
// no slot is free it is tried without.
func (x *run) keepWAL(ctx context.Context) {
	if x.keeps {
		return
	}
	x.keeps = true
	const slot = "SELECT pg_create_physical_replication_slot('pgrecover_' || pg_backend_pid(), true, true)"
	x.Journal.Do(step.Step{Step: "keep WAL", Node: &x.To.ID, Command: slot}, func(*step.Step) error {
		_, err := x.primary.Exec(ctx, slot)
		return err
	})
}

// kept keeps the WAL that the plan reckons with, and decides again when some of it was removed since. It returns whether that
// came to a new copy. Nothing was changed before, so the error may be a follow.Refusal.
func (x *run) kept(ctx context.Context) (still bool, err error) {
	x.keepWAL(ctx)
	oldest, err := follow.Oldest(ctx, x.primary)
	if err != nil || oldest == x.plan.Facts.Source.Oldest {
		return err == nil, err
	}
	facts := x.plan.Facts
	facts.Source.Oldest = oldest
	p, err := plan.Decide(facts, x.Wish)
	if err != nil || p.Method == x.plan.Method {
		return err == nil, err
	}
	return false, x.decided(p)
}

// decided takes another plan.
func (x *run) decided(p plan.Plan) error {
	x.plan = p
	return x.Journal.Do(step.Step{Step: "plan", Node: &x.Node.ID, Detail: p}, func(*step.Step) error { return nil })
}

// cheap tells whether this run chose a way that costs less than a copy by itself, and could make one.
func (x *run) cheap() bool {
	m := x.plan.Method
	return x.Wish.Method == plan.Auto && x.question.Host != nil && (m == plan.Nothing || m == plan.Follow || m == plan.Rewind)
}

// copyInstead makes a new copy of a node that cannot get the WAL that it needs.
func (x *run) copyInstead(ctx context.Context, gone follow.Gone) error {
	if err := x.decided(plan.Plan{Method: plan.Backup, Why: gone.Why(), Stop: true, Facts: x.plan.Facts}); err != nil {
		return err
	}
	return x.backup(ctx)
}

// watch is how often a server that lets nobody in yet is looked at. It must twice be seen to wait.
const watch = 3 * time.Second

// watched does what waits for the node's server, and ends it with a follow.Gone when that turns out to wait for WAL that the primary
// has removed, as one that is not consistent yet does without letting anybody in.
func (x *run) watched(ctx context.Context, wait func(context.Context) error) error {
	if x.question.Host == nil {
		return wait(ctx)
	}
	watched, end := context.WithCancelCause(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		end(x.look(watched))
	}()
	// x.primary is the other one's until this one ends.
	err := wait(watched)
	end(nil)
	<-over
	if gone, ok := errors.AsType[follow.Gone](context.Cause(watched)); ok && err != nil {
		return gone
	}
	return err
}

// look returns a follow.Gone when it has come to that, else the reason why ctx ended. What cannot be looked at says nothing.
func (x *run) look(ctx context.Context) error {
	seen := ""
	for since := time.Now(); ; {
		if err := step.Sleep(ctx, watch); err != nil {
			return err
		}
		segment, err := x.server.WaitsFor(ctx)
		if err != nil || segment == "" || segment != seen {
			seen, since = segment, time.Now()
			continue
		}
		if gone := x.removed(ctx, segment, time.Since(since)); gone != nil {
			return gone
		}
	}
}

// removed returns a follow.Gone when nobody has a segment any more, for which the node has waited so long. What a restore_command
// may bring is waited for as long as for a standby that does not replay.
func (x *run) removed(ctx context.Context, segment string, waits time.Duration) error {
	needs, oldest, err := follow.Removed(ctx, x.primary, segment)
	if err != nil || needs >= oldest {
		return nil
	}
	restore, err := x.server.Setting(ctx, "restore_command")
	if (err != nil || restore != "") && waits < x.Patience {
		return nil
	}
	return follow.Gone{Node: x.Node.ID, To: x.To.ID, Needs: needs, Oldest: oldest}
}
