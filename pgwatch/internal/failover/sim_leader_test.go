package failover_test

import (
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// majority reports whether a node reaches more than half of the nodes, itself included.
func (s *sim) majority(n *node) bool {
	votes := 0
	for _, o := range s.nodes {
		if o == n || s.awake(o) && s.linked(n.host, o.host) {
			votes++
		}
	}
	return s.awake(n) && 2*votes > len(s.nodes)
}

// lead lets the leader plan, propose and commit, and elects another one when it cannot lead.
func (s *sim) lead() {
	if s.leader == nil || !s.majority(s.leader) {
		if s.now-s.heard > 400*time.Millisecond {
			s.elect()
		}
		return
	}
	s.heard = s.now
	if s.proposal != nil && s.commit <= s.now {
		c := *s.proposal
		s.proposal = nil
		s.apply(c)
	}
	if s.dirty || s.now-s.planned >= 100*time.Millisecond {
		s.plan()
	}
	for _, n := range s.nodes { // the log comes to the others
		if s.awake(n) && s.linked(s.leader.host, n.host) && n.m.Index < s.m.Index && s.rng.IntN(3) == 0 {
			n.m = s.m
		}
	}
}

func (s *sim) elect() {
	s.leader, s.proposal = nil, nil
	for _, i := range s.rng.Perm(len(s.nodes)) {
		if n := s.nodes[i]; s.majority(n) {
			s.enthrone(n)
			return
		}
	}
}

func (s *sim) enthrone(n *node) {
	s.term++
	s.wishes = nil // they are the leader's to remember
	s.leader, s.elected, s.heard, s.planned, s.proposal = n, s.now, s.now, s.now, nil
	s.planner, s.reports, s.orders, s.serve = &failover.Planner{}, map[clustermap.NodeID]failover.Arrival{}, nil, false
	s.tell("node %d leads in term %d", n.id, s.term)
}

// apply commits a command.
func (s *sim) apply(c clustermap.Command) {
	before := s.m
	next, err := s.m.Apply(s.m.Index+1, c)
	s.m, s.dirty = next, true
	if err != nil {
		s.tell("refused: %s: %v", c.Encode(), err)
		return
	}
	s.tell("%s", c.Encode())
	if next.Epoch < before.Epoch || next.Promised < before.Promised {
		s.fail("epoch %d, promised %d after %d, %d", next.Epoch, next.Promised, before.Epoch, before.Promised)
	}
	if f := next.Last; f != nil && before.Failover != nil && next.Failover == nil && f.State == clustermap.Failed {
		s.counts[string(f.Kind)+" failed"]++
	}
	if f := before.Failover; next.Epoch > before.Epoch && f != nil {
		s.counts[string(f.Kind)+" opened"]++
		if s.servers[f.From].writes() {
			s.counts["opened while the old primary might write"]++
		}
		if s.syncNum > 0 {
			s.counts["acknowledged by standbys"] += len(s.acked)
		}
	}
	if next.Epoch > before.Epoch && s.syncNum > 0 {
		p := s.servers[next.PrimaryID()]
		for _, w := range s.acked {
			if !p.has(w) {
				s.fail("write %d was acknowledged, and backend %d, primary of epoch %d, has not got it", w.id, p.id, next.Epoch)
				return
			}
		}
	}
}

func (s *sim) plan() {
	s.planned, s.dirty = s.now, false
	p := s.planner.Plan(failover.Input{Now: s.now, Self: s.leader.id, Term: s.term, Elected: s.elected, Map: s.m, Reports: s.reports,
		Quorum: event.QuorumFull, OldLeasesEnd: s.oldLeasesEnd(), Policy: s.policy, Wishes: s.wishes})
	s.answered(&p)
	for _, n := range p.Notes {
		s.tell("  %s %d %s: %s %v to %d", n.Type, n.Backend, n.State, n.Reason, n.Evidence, n.Candidate)
	}
	s.orders, s.serve = p.Orders, p.Serve
	if len(p.Propose) > 1 {
		s.fail("%d commands at once", len(p.Propose))
	}
	if len(p.Propose) == 1 && s.proposal == nil {
		s.proposal, s.commit = &p.Propose[0], s.now+s.between(0, 60)
	}
}

// oldLeasesEnd is when the leases before the failover under way are over.
func (s *sim) oldLeasesEnd() time.Duration {
	return max(s.elected, s.granted) + surely
}

// send takes a report to the leader, and what it answers back to the node.
func (s *sim) send(n *node, r report.Report) {
	sent, term := s.now, s.term
	s.post(func() {
		l := s.leader
		if l == nil || s.term != term || !s.awake(l) || !s.linked(l.host, n.host) || s.reports[n.id].At > sent {
			return
		}
		s.reports[n.id] = failover.Arrival{Report: r, At: s.now}
		s.plan()
		serve := s.serve && s.majority(l)
		if serve {
			s.granted = s.now
		}
		epoch, orders := s.m.Epoch, s.orders[n.id]
		s.post(func() {
			if !s.awake(n) || !s.linked(l.host, n.host) || sent < n.sent {
				return
			}
			n.sent, n.orders = sent, orders
			switch {
			case !serve && n.lease <= epoch:
				n.lease, n.leaseUntil = 0, 0
			case serve && epoch >= n.lease:
				n.lease, n.leaseUntil = epoch, sent+lease
			}
		})
	})
}

// post delivers a message after a while, or never, or twice.
func (s *sim) post(run func()) {
	copies := 1
	if s.lossy {
		switch s.rng.IntN(20) {
		case 0, 1:
			copies = 0
		case 2:
			copies = 2
		}
	}
	for range copies {
		delay := s.between(0, 20)
		if s.lossy && s.rng.IntN(30) == 0 {
			delay = s.between(0, 1500)
		}
		s.mail = append(s.mail, letter{s.now + delay, run})
	}
}
