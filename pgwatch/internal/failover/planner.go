// Package failover decides what the leader of a crew does about its PostgreSQL servers: who is the first primary, when
// the primary is lost, which standby takes its place, and in which order that is done so that two of them never take
// writes.
//
// A Planner does no I/O and knows no clock. It is called with what is agreed (the Map) and what is seen (the reports),
// and says what to propose and what is to be done where. What must survive a leader is in the Map; what a Planner
// remembers besides (how long something has been so) may be lost at any time, and costs only that time again.
package failover

import (
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// Input is the world as the leader knows it at one moment. A Planner keeps none of it.
type Input struct {
	Now     time.Duration // since boot (CLOCK_BOOTTIME), as are all times here
	Self    clustermap.NodeID
	Term    uint64        // of this leader
	Elected time.Duration // since when it hears the others without a gap: its election, or when it was last held up
	Map     clustermap.Map
	Reports map[clustermap.NodeID]Arrival // the newest of each node, Self's included
	Quorum  event.QuorumState

	// OldLeasesEnd is when no router can hold a serve lease of an epoch before the one that the failover under way opens.
	OldLeasesEnd time.Duration

	Policy *Policy
	Wishes []Wish // recoveries that operators want; each stays until Plan.Recoveries says how it ended
}

// Arrival is a report and when it came.
type Arrival struct {
	Report report.Report
	At     time.Duration
}

// Plan is what the leader should do now. It says so again until the Map or the reports show that it was done.
type Plan struct {
	Propose []clustermap.Command // at most one, for this very Map, so that it is not taken twice; At and By are left to the caller
	Orders  map[clustermap.NodeID][]report.Order
	Serve   bool // serve leases of Map.Epoch may be granted now
	Notes   []Note

	Recoveries []report.Recovery // that run or wait, and of each backend the newest that ended
	Standbys   map[int]Standby   // by backend; the primary is none
	Untold     string            // why nobody will tell of a recovery that is not among them; "" when somebody may
}

// Note is something that others should hear of. Each is said once by one Planner.
type Note struct {
	Type      string // event.TypePrimaryLost, TypeFailover, TypeSplitBrain or TypeLog
	Backend   int    // that it is about; the old primary of a failover
	State     string // of a failover
	Reason    string
	Evidence  []string
	Candidate int // clustermap.None before it is chosen
	Lag       uint64
	AllowLoss bool
	Backends  []int // of a split brain
}

// A Planner plans for one leader. It is not for concurrent use.
type Planner struct{ memory }

// Plan returns what to do. The leader calls it whenever something changed, and at least each 100 ms.
func (p *Planner) Plan(in Input) Plan {
	if in.Term != p.term || p.traces == nil {
		p.memory = newMemory(in.Term)
	}
	s := newScene(&in, p)
	p.remember(s)
	command := s.decide()
	s.plan.Serve = s.serve(command)
	if command != nil {
		rev := in.Map.Rev()
		command.Expect = &rev
		s.plan.Propose = []clustermap.Command{*command}
	}
	return s.plan
}

// decide gives the orders that stand and returns the one command to propose.
func (s *scene) decide() *clustermap.Command {
	s.runHooks()
	s.standing()
	s.recoveries()
	s.plan.Untold = s.untold()
	switch {
	case s.Quorum == event.QuorumNone:
		return nil
	case s.Map.Epoch == 0:
		return s.first()
	}
	s.repair()
	if s.Map.Failover != nil {
		if c := s.step(s.Map.Failover); c != nil {
			return c
		}
		return s.falsePrimaries()
	}
	for _, step := range []func() *clustermap.Command{s.begin, s.recordSync, s.recover, s.falsePrimaries, s.standbys} {
		if c := step(); c != nil {
			return c
		}
	}
	return nil
}

// serve reports whether routers may write in the epoch of the Map: while a failover is on its way to another epoch
// they may not, and when one is about to begin it is time to stop.
func (s *scene) serve(c *clustermap.Command) bool {
	f := s.Map.Failover
	return s.Map.Epoch != 0 && s.Quorum != event.QuorumNone && (c == nil || c.Begin == nil) && (f == nil || f.State == clustermap.Reconverge) && s.heard(s.Map.PrimaryID())
}

// heard reports whether a backend, or the node beside it, was heard by this leader just now. Nobody can write to a primary
// that is away, and a failover has to wait for the end of each lease that was given all the same.
func (s *scene) heard(b int) bool {
	if node, _, ok := s.agent(b); ok && s.fresh(node) {
		return true
	}
	for _, n := range s.nodes {
		v, ok := s.seenBy(n, b)
		if at := s.Reports[n].At - v.Quiet; ok && v.Health.Lives() && at >= max(s.Elected, s.Now-silentFor) {
			return true
		}
	}
	return false
}

func (s *scene) order(n clustermap.NodeID, o report.Order) {
	if s.plan.Orders == nil {
		s.plan.Orders = map[clustermap.NodeID][]report.Order{}
	}
	s.plan.Orders[n] = append(s.plan.Orders[n], o)
}

// note says something once: again only when the text of its subject has changed.
func (s *scene) note(subject string, n Note) {
	text := n.State + "\x00" + n.Reason
	if s.p.said[subject] == text {
		return
	}
	s.p.said[subject] = text
	s.plan.Notes = append(s.plan.Notes, n)
}

func (s *scene) log(subject string, backend int, text string) {
	s.note(subject, Note{Type: event.TypeLog, Backend: backend, Reason: text, Candidate: clustermap.None})
}
