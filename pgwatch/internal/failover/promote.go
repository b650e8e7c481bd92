package failover

import (
	"fmt"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// promote has the candidate made the primary, by failover_command where there is one, and waits until it is seen as one.
func (s *scene) promote(f *clustermap.Failover) *clustermap.Command {
	if s.promoted(f) {
		a := advance(f, clustermap.Open)
		a.Evidence = s.evidence(f)
		return command(a)
	}
	if c, given := s.replace(f); given {
		return c
	}
	if s.Policy.FailoverHook {
		if c, hope := s.hookPromotes(f); c != nil || hope {
			return c
		}
	}
	s.order(s.hand(f.To), report.Order{Op: report.DoPromote, Backend: f.To, Epoch: f.Epoch, To: clustermap.None})
	return nil
}

// hand returns the node that acts on a backend: the one on its host, or else this one from afar.
func (s *scene) hand(b int) clustermap.NodeID {
	if node, _, ok := s.agent(b); ok {
		return node
	}
	return s.Self
}

// promoted reports whether the candidate is seen as the primary that it was to become, not as one that it used to be.
func (s *scene) promoted(f *clustermap.Failover) bool {
	_, local, _ := s.agent(f.To)
	return s.isPrimary(f.To) && (local.Promoted >= f.Epoch || s.view(f.To).Timeline > s.Map.Primary.Timeline)
}

// hookPromotes runs failover_command and reports whether there is still hope that it promotes the candidate. When it
// fails, or ends and no primary is seen soon, we do it ourselves.
func (s *scene) hookPromotes(f *clustermap.Failover) (c *clustermap.Command, hope bool) {
	limit := hookLimit
	if s.Policy.SearchPrimary > 0 {
		limit = min(limit, s.Policy.SearchPrimary)
	}
	h := s.failoverHook(f)
	state, ended := s.hookOf(f, h, limit)
	if state.failed() {
		s.p.hopeless = h.id
	}
	if s.p.hopeless == h.id {
		return ended, false
	}
	return ended, s.held("hook settles", state.done) < hookSettle
}

// replace gives a failover up when its candidate was lost after it was told to become the primary, and another one is
// there. The candidate never had a lease, but it may be a primary by now: it is fenced first, or its host is lost.
func (s *scene) replace(f *clustermap.Failover) (c *clustermap.Command, given bool) {
	l, lost := s.lost(f.To)
	node, local, ok := s.agent(f.To)
	if refuses := local.ErrOrder == string(report.DoPromote) && s.in(f) >= promoteLimit; !lost && refuses {
		l, lost = loss{reason: local.Err}, true
	}
	if !lost || !ok {
		return nil, false
	}
	if _, why := s.choose(f.Epoch, wish{clustermap.None, f.To, f.AllowLoss}); why != "" {
		s.tell(f, f.State, fmt.Sprintf("backend %d is lost (%s), and nobody can take its place: %s", f.To, l.reason, why))
		return nil, false
	}
	if s.isFenced(f.To, f.Epoch) || s.silent(node) {
		return s.fail(f, fmt.Sprintf("backend %d was lost on its way to be the primary: %s", f.To, l.reason)), true
	}
	s.order(node, report.Order{Op: report.DoFence, Backend: f.To, Epoch: f.Epoch, To: clustermap.None})
	return nil, true
}

// open opens the new epoch as soon as no router can write in the old one: at once when the old primary is stopped and
// kept so, else when the last of its leases is over. It is the only step that waits for them.
func (s *scene) open(f *clustermap.Failover) *clustermap.Command {
	if !s.promoted(f) {
		c, given := s.replace(f)
		if !given {
			s.order(s.hand(f.To), report.Order{Op: report.DoPromote, Backend: f.To, Epoch: f.Epoch, To: clustermap.None})
		}
		return c
	}
	if !s.isFenced(f.From, f.Epoch) && s.Now < s.OldLeasesEnd {
		s.tell(f, f.State, "routers may still write to the old primary")
		return nil
	}
	v := s.view(f.To).Backend
	return &clustermap.Command{Opened: &clustermap.Opened{ID: f.ID, Primary: clustermap.Primary{
		Backend: f.To, SystemID: v.SystemID, Timeline: v.Timeline, LSN: v.LSN, Sync: s.syncOf(v),
	}}}
}
