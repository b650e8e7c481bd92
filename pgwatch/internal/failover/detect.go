package failover

import (
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A loss is why a backend counts as lost.
type loss struct {
	reason  string
	certain bool // its own host says that it is dead: nobody has to agree, and no time has to pass
}

// begin proposes a failover when the primary is lost and another backend can take its place. Without one, giving the
// primary up would only make things worse.
func (s *scene) begin() *clustermap.Command {
	id := s.Map.PrimaryID()
	l, lost := s.lost(id)
	manual := s.promotedByHand()
	if manual != clustermap.None {
		l, lost = loss{reason: fmt.Sprintf("it is a standby, and backend %d was promoted by somebody else", manual), certain: true}, true
	}
	if !lost {
		delete(s.p.said, "lost")
		return nil
	}
	why := s.restrained(id, l)
	best, obstacle := choice{backend: manual}, ""
	if manual == clustermap.None {
		best, obstacle = s.choose(0, anyone)
	}
	if why == "" {
		why = obstacle
	}
	if why != "" {
		s.log("lost", id, fmt.Sprintf("the primary, backend %d, is lost: %s; no failover: %s", id, l.reason, why))
		return nil
	}
	s.note("lost", Note{Type: event.TypePrimaryLost, Backend: id, Reason: l.reason, Candidate: best.backend})
	return &clustermap.Command{Begin: &clustermap.Failover{Kind: clustermap.Failure, From: id, To: manual, Reason: l.reason}}
}

// restrained says what forbids a failover that nobody ordered.
func (s *scene) restrained(id int, l loss) string {
	r := s.Policy.Backends[id]
	switch {
	case s.Map.Pause != nil:
		return "decisions are paused by " + s.Map.Pause.By
	case r.AlwaysPrimary:
		return "backend_flag says ALWAYS_PRIMARY"
	case r.NoFailover:
		return "the configuration disallows it"
	case !l.certain && s.p.opened != 0 && s.Now-s.p.opened < s.Policy.MinInterval:
		return fmt.Sprintf("the last one was less than %v ago", s.Policy.MinInterval)
	}
	return ""
}

// lost decides whether a backend is lost, by who can know: the node on its host as long as that is heard, else the
// others together.
func (s *scene) lost(id int) (loss, bool) {
	node, local, ok := s.agent(id)
	switch {
	case !ok:
		return s.lostUnwatched(id)
	case s.fresh(node) && local.Postmaster != report.Runs:
		return s.lostLocally(id, local)
	case s.fresh(node):
		return s.hangs(id, node)
	case s.silent(node):
		return s.hostLost(id, node)
	}
	return loss{}, false
}

// lostLocally judges what the process table says: the postmaster is gone.
func (s *scene) lostLocally(id int, local report.Local) (loss, bool) {
	down := s.held(fmt.Sprint("down ", id), true)
	switch {
	case id == s.Map.PrimaryID() && s.Map.Failover == nil && local.Fenced >= s.Map.Epoch: // for a failover that was given up: it is to start
		return loss{"it does not start again", true}, down >= startWait
	case !local.Stopped || local.Postmaster == report.Orphans:
		return loss{"its postmaster is gone", true}, true
	case s.Policy.ShutdownFails:
		return loss{"it was shut down", true}, true
	}
	upper := s.Policy.Backends[id].Upper
	return loss{"it was shut down and did not come back", false}, upper > 0 && down >= upper
}

// hangs judges a server whose postmaster runs. Its own node must have no answer from it, and the others must agree:
// what others cannot reach is not dead when its own node has answers.
func (s *scene) hangs(id int, node clustermap.NodeID) (loss, bool) {
	own, _ := s.seenBy(node, id)
	if own.Health == report.Starting {
		return loss{fmt.Sprintf("it has been starting for %v", s.Policy.StartGrace), false}, own.For > s.Policy.StartGrace
	}
	// A server that has just come back is refused for as long as it was away, until it is probed again.
	runs := s.held(fmt.Sprint("runs ", id), own.Health == report.Refused)
	if own.Health != report.Silent && runs < hangFor || own.Fails < hangProbes || own.For < hangFor || s.settling() {
		return loss{}, false
	}
	others := s.ask(id, node, func(v report.Backend) bool { return unanswered(v) && v.For >= hangFor })
	if others.asked > 0 {
		return loss{fmt.Sprintf("it hangs: its own node and %d of %d others have no answer", others.against, others.asked), false}, others.most()
	}
	return loss{"it hangs: its own node has no answer, and no standby gets anything from it", false}, id == s.Map.PrimaryID() && s.stalled()
}

// stalled reports whether the standbys of the primary have had nothing new for as long as a hang must last.
func (s *scene) stalled() bool {
	standbys := 0
	for i := range s.Map.Backends {
		b := s.Map.Backends[i].ID
		t := s.p.traces[b]
		if b == s.Map.PrimaryID() || s.view(b).Health != report.Well {
			continue
		}
		if standbys++; t.seen-t.moved < hangFor {
			return false
		}
	}
	return standbys > 0
}

// hostLost judges a backend whose node has been silent for longer than its leases live.
func (s *scene) hostLost(id int, node clustermap.NodeID) (loss, bool) {
	others := s.ask(id, node, func(v report.Backend) bool {
		return v.Health == report.Silent && v.For >= hostFor || s.gone(id, v)
	})
	return loss{fmt.Sprintf("node %d on its host is silent, and %d of %d others have no answer from it", node, others.against, others.asked), false}, others.most()
}

// lostUnwatched judges a backend on a host whose processes no node can see.
func (s *scene) lostUnwatched(id int) (loss, bool) {
	all := s.ask(id, clustermap.None, func(v report.Backend) bool { return s.gone(id, v) })
	agreed := all.most() || s.Policy.AnyReport && all.against > 0
	return loss{fmt.Sprintf("%d of %d nodes have no answer from it", all.against, all.asked), false}, agreed && !s.settling()
}

// gone reports whether a node had no answer for as long as the health check's parameters want.
func (s *scene) gone(id int, v report.Backend) bool {
	r := s.Policy.Backends[id]
	return unanswered(v) && (v.Fails > r.Retries && v.For >= min(hangFor, upperOr(r.Upper, hangFor)) || r.Upper > 0 && v.For >= r.Upper)
}

func upperOr(upper, other time.Duration) time.Duration {
	if upper > 0 {
		return upper
	}
	return other
}

func unanswered(v report.Backend) bool {
	return v.Health == report.Silent || v.Health == report.Refused
}

// settling reports whether this leader has not been looking long enough to trust times, its own probes' among them.
func (s *scene) settling() bool { return s.p.slipped != 0 && s.Now-s.p.slipped < s.Policy.Lease }
