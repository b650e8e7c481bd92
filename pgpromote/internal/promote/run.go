package promote

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/step"
)

// ErrStale is the refusal of an epoch that the cluster has left behind.
var ErrStale = errors.New("the cluster has moved on")

// A Run is one promotion.
type Run struct {
	Request
	Servers []Server // all of the configuration
	Journal *step.Journal
}

// subject is a server that answered.
type subject struct {
	Server
	conn *pgx.Conn
	pos  Position
}

// Promote makes a standby the primary. It may be called again after any error, and does what is left to do; when that is nothing,
// it succeeds.
func (r *Run) Promote(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Timeout(), r.late())
	defer cancel()
	if err := r.arise(ctx, false); err != nil {
		return err
	}
	found, err := r.look(ctx, r.Node == nil || !r.Force)
	defer closeAll(ctx, found)
	if err != nil {
		return r.withoutLogin(ctx, err)
	}
	c, err := r.choose(found)
	if err != nil || r.DryRun && c.pos.Standby {
		return err
	}
	if c.pos.Standby {
		if err := r.makePrimary(ctx, c); err != nil {
			return err
		}
	}
	if err := r.record(ctx, c); err != nil {
		return err
	}
	if err := r.Journal.Do(step.Step{Step: "done", Node: &c.ID, Epoch: r.Epoch, Timeline: c.pos.Timeline}, func(*step.Step) error { return nil }); err != nil || r.DryRun {
		return err
	}
	// Writes go on already. Until this checkpoint pg_rewind takes the server for one of the old timeline.
	return r.Journal.Do(step.Step{Step: "checkpoint", Node: &c.ID, Command: "CHECKPOINT"}, func(*step.Step) error {
		_, err := c.conn.Exec(ctx, "CHECKPOINT")
		return err
	})
}

// late is the cause of the end when the time is over.
func (r *Run) late() error {
	return fmt.Errorf("it was not done within %v: %w", r.Timeout(), context.DeadlineExceeded)
}

func closeAll(ctx context.Context, found []*subject) {
	for _, s := range found {
		s.conn.Close(context.WithoutCancel(ctx))
	}
}

// look logs in to the servers at once: to all, or only to the one that is wanted. Others that are away are left out.
func (r *Run) look(ctx context.Context, all bool) ([]*subject, error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var found []*subject
	var missed error
	named := r.Node == nil
	for _, s := range r.Servers {
		wanted := r.Node != nil && s.ID == *r.Node
		if named = named || wanted; !all && !wanted {
			continue
		}
		wg.Go(func() {
			err := r.Journal.Do(step.Step{Step: "inspect", Node: &s.ID}, func(st *step.Step) error {
				conn, err := s.Connect(ctx)
				if err != nil {
					return err
				}
				pos, err := s.inspect(ctx, conn)
				st.Detail = pos
				mu.Lock()
				defer mu.Unlock()
				found = append(found, &subject{s, conn, pos})
				return err
			})
			if wanted {
				missed = err
			}
		})
	}
	wg.Wait()
	if !named {
		return found, fmt.Errorf("node %d is not in the configuration", *r.Node)
	}
	return found, missed
}

// withoutLogin is the way for a server that does not let us in: it is named, it is on this host, so pg_ctl can do it.
func (r *Run) withoutLogin(ctx context.Context, err error) error {
	if !r.Local || r.Node == nil || r.DryRun {
		return err
	}
	s := r.named()
	if s == nil {
		return err
	}
	return r.ownControl(ctx, *s)
}

// ownControl promotes by pg_ctl.
func (r *Run) ownControl(ctx context.Context, s Server) error {
	return r.Journal.Do(step.Step{Step: "promote", Node: &s.ID}, func(st *step.Step) (err error) {
		st.Command, err = s.pgCtl(ctx)
		return err
	})
}

// choose picks the candidate and refuses what would do harm.
func (r *Run) choose(found []*subject) (c *subject, err error) {
	return c, r.Journal.Do(step.Step{Step: "choose"}, func(st *step.Step) error {
		positions := make([]Position, len(found))
		newest := uint64(0)
		for i, s := range found {
			positions[i] = s.pos
			newest = max(newest, s.pos.Epoch)
		}
		p, err := Choose(positions, r.Node)
		if err != nil {
			return err
		}
		for _, s := range found {
			if s.ID == p.Node {
				c = s
			}
		}
		st.Node, st.Detail = &c.ID, p
		switch {
		case r.Epoch == 0 && p.Standby:
			r.Epoch = newest + 1
		case r.Epoch == 0:
			r.Epoch = newest
		case p.Standby && r.Epoch <= newest || r.Epoch < newest:
			return fmt.Errorf("%w: epoch %d was asked for, and epoch %d is recorded on node %d", ErrStale, r.Epoch, newest, c.ID)
		}
		st.Epoch = r.Epoch
		for _, s := range found {
			if p.Standby && !s.pos.Standby && !r.Force {
				return fmt.Errorf("node %d is a primary that lives: stop it first, or say --force", s.ID)
			}
		}
		if p.Standby && p.Upstream != "" && !r.Force {
			return fmt.Errorf("node %d receives from %s, a primary that lives: stop that one first, or say --force", c.ID, p.Upstream)
		}
		return nil
	})
}

// makePrimary recruits, lets the standby catch up, and promotes it.
func (r *Run) makePrimary(ctx context.Context, c *subject) error {
	if c.pos.Version >= reloadable {
		if err := r.cutOff(ctx, c, false); err != nil {
			return err
		}
	}
	err := r.Journal.Do(step.Step{Step: "catch-up", Node: &c.ID}, func(st *step.Step) (err error) {
		c.pos, err = c.settle(ctx, c.conn, r.Journal.Now)
		st.Detail = c.pos
		return err
	})
	if err != nil {
		return err
	}
	if c.pos.Version >= 120000 {
		return r.Journal.Do(step.Step{Step: "promote", Node: &c.ID, Command: "SELECT pg_promote(wait => false)"}, func(*step.Step) error {
			return r.promote(ctx, c)
		})
	}
	if !r.Local {
		return fmt.Errorf("node %d is older than PostgreSQL 12: promote it on its own host (--local)", c.ID)
	}
	if err := r.ownControl(ctx, c.Server); err != nil {
		return err
	}
	return c.recovered(ctx, c.conn)
}

// record is the first write of the new primary.
func (r *Run) record(ctx context.Context, c *subject) error {
	return r.Journal.Do(step.Step{Step: "record", Node: &c.ID, Epoch: r.Epoch}, func(st *step.Step) (err error) {
		if c.pos, err = c.inspect(ctx, c.conn); err != nil {
			return err
		}
		st.Timeline, st.Detail = c.pos.Timeline, c.pos
		if r.DryRun {
			st.Skipped = true
			return nil
		}
		return recordEpoch(ctx, c.conn, r.Epoch, c.ID, c.pos.Timeline)
	})
}
