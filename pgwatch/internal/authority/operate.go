package authority

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// until waits for a View.
func (r *Raft) until(ctx context.Context, what string, done func(v *View) bool) error {
	views, stop := r.Watch()
	defer stop()
	for {
		select {
		case v := <-views:
			if done(&v) {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		case <-r.ended:
			return ErrStopped
		}
	}
}

// Resign hands the leadership to another voter: to, or the best one if to is clustermap.None. It tries until ctx ends,
// because a voter can take over only when it has all of the log. On a node that does not lead there is nothing to do.
func (r *Raft) Resign(ctx context.Context, to clustermap.NodeID) error {
	v := r.View()
	if v.Leader != r.opt.Self.ID {
		return nil
	}
	var asked time.Duration
	return r.until(ctx, "no other node has taken over", func(n *View) bool {
		if n.Leader != r.opt.Self.ID && n.Leader != clustermap.None {
			return true
		}
		r.inbox.put(func(now time.Duration, c *Core) {
			if now-asked >= c.cfg.Election {
				asked = now
				c.Resign(now, to)
			}
		})
		return false
	})
}

// Leave hands over the leadership and gives up this node's vote, for a node that is about to stop. The last voter keeps
// its vote; then there is nothing to wait for.
func (r *Raft) Leave(ctx context.Context) error {
	r.inbox.put(func(now time.Duration, c *Core) { c.Leave(now) })
	return r.until(ctx, "no leader has taken this node's vote away", func(v *View) bool {
		// A View from before Leave may not know of a voter that this node has let in just now.
		return v.Leaving && (v.Left || v.Waiting != "" || v.Quarantined != "" || slices.Equal(v.Voters, []clustermap.NodeID{r.opt.Self.ID}))
	})
}

// Force goes on without the other voters (Core.Force), and returns when this node leads.
func (r *Raft) Force(ctx context.Context, by string) error {
	if why := r.View().Quarantined; why != "" {
		return fmt.Errorf("this node is quarantined: %s", why)
	}
	r.inbox.put(func(now time.Duration, c *Core) { c.Force(now, by) })
	return r.until(ctx, "this node does not lead yet", func(v *View) bool {
		return v.Leading && slices.Equal(v.Voters, []clustermap.NodeID{r.opt.Self.ID})
	})
}

// RemoveVoter takes a member out of the crew for good. It comes back when somebody makes it a member again.
func (r *Raft) RemoveVoter(ctx context.Context, id clustermap.NodeID) error {
	if v := r.View(); v.Map.Member(id) == nil {
		return fmt.Errorf("there is no node %d", id)
	}
	if _, err := r.Propose(ctx, clustermap.Command{Remove: &id}); err != nil {
		return err
	}
	return r.until(ctx, fmt.Sprintf("node %d has a vote still", id), func(v *View) bool { return !slices.Contains(v.Voters, id) })
}
