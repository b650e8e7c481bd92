package node

import (
	"sync/atomic"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
)

// A planner lets failover decide for the authority. tell hears of what others should hear of; it must not block.
type planner struct {
	failover.Planner
	policy atomic.Pointer[failover.Policy]
	wishes wishes
	tell   func(s authority.Situation, n failover.Note)
}

// plan is called on the leader.
func (p *planner) plan(s authority.Situation) authority.Plan {
	in := failover.Input{
		Now: s.Now, Self: s.Self, Term: s.Term, Elected: s.Now - s.Watching, Map: s.Map,
		Reports: map[clustermap.NodeID]failover.Arrival{}, Quorum: quorum(s.Quorum), OldLeasesEnd: s.OldLeasesEnd, Policy: p.policy.Load(),
		Wishes: p.wishes.of(s.Term),
	}
	for _, n := range s.Nodes {
		if n.Age >= 0 {
			in.Reports[n.ID] = failover.Arrival{Report: n.Report, At: s.Now - n.Age}
		}
	}
	out := p.Plan(in)
	p.wishes.planned(&out, &in.Map)
	for _, n := range out.Notes {
		if n.Type != event.TypeFailover { // every node tells those, when it has them in its Map
			p.tell(s, n)
		}
	}
	return authority.Plan{Commands: out.Propose, Orders: out.Orders, Serve: out.Serve, Recoveries: out.Recoveries}
}

// payload is the event for a note.
func payload(n failover.Note) event.Payload {
	switch n.Type {
	case event.TypePrimaryLost:
		return event.PrimaryLost{ID: n.Backend, Reason: n.Reason, Evidence: n.Evidence}
	case event.TypeSplitBrain:
		return event.SplitBrain{Nodes: n.Backends, Action: n.Reason}
	}
	return event.Log{Level: "warn", Msg: n.Reason}
}
