package failover

import (
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// step gives the orders that stand in the state of a failover, and proposes the next state when it is time for it.
func (s *scene) step(f *clustermap.Failover) *clustermap.Command {
	s.tell(f, f.State, "")
	s.holdOld(f)
	switch f.State {
	case clustermap.Fence:
		if f.Kind.Orderly() {
			return s.stopOld(f)
		}
		return s.fence(f)
	case clustermap.Recruit:
		return s.recruit(f)
	case clustermap.CatchUp:
		return s.catchUp(f)
	case clustermap.Promote:
		return s.promote(f)
	case clustermap.Open:
		return s.open(f)
	case clustermap.Reconverge:
		return s.reconverge(f)
	}
	return nil
}

// tell notes how far a failover is, and why it goes no further.
func (s *scene) tell(f *clustermap.Failover, state clustermap.State, reason string) {
	s.note(fmt.Sprint("failover ", f.ID, state, reason != ""), Note{Type: event.TypeFailover, Backend: f.From, State: string(state), Reason: reason, Evidence: f.Evidence,
		Candidate: f.To, Lag: f.Lag, AllowLoss: f.AllowLoss})
}

// in returns for how long this Planner has seen the failover in its state.
func (s *scene) in(f *clustermap.Failover) time.Duration {
	return s.held(fmt.Sprint("state ", f.ID, f.State), true)
}

func advance(f *clustermap.Failover, to clustermap.State) *clustermap.Advance {
	return &clustermap.Advance{ID: f.ID, State: to}
}

func command(a *clustermap.Advance) *clustermap.Command { return &clustermap.Command{Advance: a} }

// fail gives a failover up. The old epoch goes on: its primary is started and its standbys follow it again, if need be.
func (s *scene) fail(f *clustermap.Failover, reason string) *clustermap.Command {
	a := advance(f, clustermap.Failed)
	a.Err = reason
	s.tell(f, clustermap.Failed, reason)
	return command(a)
}

// Kinds of evidence that the old primary takes no writes, as the Map records them.
const (
	fenced    = "fenced"    // its node has stopped it and keeps it so (E1)
	dead      = "dead"      // its node saw no process left (E2)
	leases    = "leases"    // no router may write to it any more (E4)
	recruited = "recruited" // the standbys without which it acknowledges nothing have left it (E5)
)

// isFenced reports whether a backend was stopped for a failover and is kept so. A node keeps that on disk, so it may
// have said it at any time. That it is merely dead is not enough: whatever starts it again is faster than a lease ends.
func (s *scene) isFenced(b int, epoch uint64) bool {
	_, local, _ := s.agent(b)
	return local.Fenced >= epoch
}

// isDead reports whether a backend's host says just now that no process of it is left.
func (s *scene) isDead(b int) bool {
	node, local, ok := s.agent(b)
	return ok && s.fresh(node) && local.Postmaster == report.Dead
}

// evidence returns what is known against the old primary's writes.
func (s *scene) evidence(f *clustermap.Failover) []string {
	var found []string
	if s.isFenced(f.From, f.Epoch) {
		found = append(found, fenced)
	}
	if s.isDead(f.From) {
		found = append(found, dead)
	}
	return found
}

// holdOld orders that the old primary be stopped and stay so, as long as the failover lasts or a follow_primary_command
// may make it a standby.
func (s *scene) holdOld(f *clustermap.Failover) {
	node, _, ok := s.agent(f.From)
	followed := f.State == clustermap.Reconverge && s.Policy.FollowHook
	if !ok || s.isFenced(f.From, f.Epoch) || f.Kind.Orderly() || s.couldGoOn(f) || followed {
		return
	}
	s.order(node, report.Order{Op: report.DoFence, Backend: f.From, Epoch: f.Epoch, To: clustermap.None})
}

// fence waits until the old primary cannot write, or its node does not answer and its leases must do.
func (s *scene) fence(f *clustermap.Failover) *clustermap.Command {
	a := advance(f, clustermap.Recruit)
	a.Evidence = s.evidence(f)
	node, _, ok := s.agent(f.From)
	if waited := s.in(f); len(a.Evidence) == 0 && ok && s.fresh(node) && waited < fenceWait {
		return nil
	}
	return command(a)
}
