package failover

import (
	"fmt"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// reconverge makes the other backends follow the new primary; writes go on already. A new primary that is lost
// meanwhile ends it, because nothing else can begin before.
func (s *scene) reconverge(f *clustermap.Failover) *clustermap.Command {
	a := advance(f, clustermap.Done)
	if len(f.Evidence) == 0 && len(s.evidence(f)) == 0 {
		a.Evidence = []string{leases}
	}
	if l, lost := s.lost(f.To); lost {
		a.Err = "the new primary was lost: " + l.reason
		s.tell(f, clustermap.Done, a.Err)
		return command(a)
	}
	settled := true
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		detached := b.ID == f.From && f.Kind == clustermap.Detach // Pgpool-II runs the command for it all the same
		if b.ID == f.To || b.Status == clustermap.Quarantined || b.Status == clustermap.Detached && !detached {
			continue
		}
		if s.Policy.FollowHook {
			state, ended := s.hookOf(f, s.followHook(f, b.ID), followLimit)
			if ended != nil || !state.done {
				return ended // one after another
			}
		}
		switch {
		case b.ID == f.From && f.Kind != clustermap.Switchover:
			continue // it has to be rebuilt, or to be rewound with what it alone has: an operator's business
		case b.ID != f.From && s.Policy.FollowHook:
			continue // the hook has done it; of a server that is stopped, as the old primary is, it keeps off
		}
		settled = s.settled(f, b.ID) && settled
	}
	if !settled && s.in(f) < settleFor {
		return nil
	}
	s.tell(f, clustermap.Done, "")
	return command(a)
}

// settled orders a standby to follow the new primary, and reports whether it does, or cannot be reached.
func (s *scene) settled(f *clustermap.Failover, b int) bool {
	node, local, ok := s.agent(b)
	if !ok || s.follows(b) {
		return true
	}
	if local.Follows < f.Epoch {
		s.order(node, report.Order{Op: report.DoFollow, Backend: b, Epoch: f.Epoch, To: f.To})
	}
	return !s.fresh(node)
}

// repair orders what failovers that are over left to be done: a primary that was stopped for one that was given up is
// to run again, and standbys that were recruited, or were away, are to follow the primary.
func (s *scene) repair() {
	if s.Map.Failover != nil {
		return
	}
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		node, local, ok := s.agent(b.ID)
		switch {
		case !ok || b.Status == clustermap.Detached || b.Status == clustermap.Quarantined || s.isRecovered(b.ID):
		case b.ID == s.Map.PrimaryID():
			if local.Fenced >= s.Map.Epoch {
				s.order(node, report.Order{Op: report.DoStart, Backend: b.ID, Epoch: s.Map.Promised, To: clustermap.None})
			}
		case s.isLonely(b.ID, local):
			s.order(node, report.Order{Op: report.DoFollow, Backend: b.ID, Epoch: s.Map.Promised, To: s.Map.PrimaryID()})
		}
	}
}

// isLonely reports whether a standby follows nobody because its receiver was ended, or follows a primary of an epoch
// that is over. One that nobody has touched since the first epoch is left as it was set up.
func (s *scene) isLonely(b int, local report.Local) bool {
	v := s.view(b)
	alone := s.held(fmt.Sprint("alone ", b), v.Health == report.Well && v.Standby && !s.follows(b))
	switch {
	case alone == 0:
		return false
	case local.Recruited > local.Follows:
		return true
	}
	return s.Map.Epoch > 1 && local.Follows < s.Map.Epoch && alone >= lonelyFor
}
