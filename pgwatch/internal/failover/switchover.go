package failover

import (
	"fmt"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// stopOld begins an orderly change: routers hold their clients (Plan.Serve is false), transactions end, and the old primary
// is stopped in order, by which its standbys get all it has. If it does not stop in time, it goes on.
func (s *scene) stopOld(f *clustermap.Failover) *clustermap.Command {
	if s.isFenced(f.From, f.Epoch) {
		a := advance(f, clustermap.Recruit)
		a.Evidence = s.evidence(f)
		return command(a)
	}
	node, _, ok := s.agent(f.From)
	waited := s.in(f)
	if !s.fresh(node) && waited < freshFor {
		return nil
	}
	if f.Kind == clustermap.Detach && (!ok || !s.fresh(node)) {
		return command(advance(f, clustermap.Recruit)) // nobody can stop it: routers leave it when their leases end
	}
	if s.held(fmt.Sprint("checked ", f.ID), true) == 0 {
		if why := s.hinders(f); why != "" {
			return s.fail(f, why)
		}
	}
	if waited >= s.Policy.Drain+s.Policy.SwitchoverStop || !ok {
		return s.fail(f, fmt.Sprintf("the old primary did not stop within %v", s.Policy.SwitchoverStop))
	}
	if waited >= s.Policy.Drain {
		s.order(node, report.Order{Op: report.DoStop, Backend: f.From, Epoch: f.Epoch, To: clustermap.None})
	}
	return nil
}

// hinders says why a switchover must not begin.
func (s *scene) hinders(f *clustermap.Failover) string {
	node, _, ok := s.agent(f.From)
	if !ok || !s.fresh(node) {
		return fmt.Sprintf("no node on the host of backend %d can stop it", f.From)
	}
	c, why := s.choose(0, wishOf(f))
	switch {
	case why != "":
		return why
	case !s.follows(c.backend):
		return fmt.Sprintf("backend %d does not stream from the primary", c.backend)
	}
	return ""
}
