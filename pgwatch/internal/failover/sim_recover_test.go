package failover_test

import (
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A salvage is a run of pgrecover on a node.
type salvage struct {
	order report.Order
	until time.Duration
}

// salvage begins what a node was ordered to recover, and goes on with it. The server is stopped meanwhile, and nothing else is
// done to it. A run that ends before its time leaves it stopped.
func (s *sim) salvage(n *node) {
	if n.salvage == nil {
		s.beginSalvage(n)
		return
	}
	o := n.salvage.order
	for _, other := range n.orders {
		if other.End && other.ID == o.ID {
			s.endSalvage(n, "given up")
			return
		}
	}
	p, to := s.servers[o.Backend], s.servers[o.To]
	switch {
	case n.m.Promised > o.Epoch:
		s.endSalvage(n, "a failover began")
	case s.now < n.salvage.until:
	case !s.linked(n.host, p.id) || !s.linked(p.id, to.id) || !to.writes():
		s.endSalvage(n, "the primary is out of reach")
	default:
		p.rewind(to)
		p.standby, p.upstream, p.timeline = true, to.id, min(p.timeline, to.timeline)
		p.start()
		if !s.apart {
			n.follows, n.fenced = o.Epoch, 0
		}
		s.counts["recovered"]++
		s.endSalvage(n, "")
	}
}

func (s *sim) beginSalvage(n *node) {
	for _, o := range n.orders {
		if o.Op != report.DoRecover || o.End || n.ran[o.ID] || n.busy > 0 {
			continue
		}
		n.ran[o.ID] = true
		n.recoveries = append(n.recoveries, report.Recovery{ID: o.ID, Backend: o.Backend, To: o.To, Epoch: o.Epoch, Since: o.Since, By: o.By, Method: o.Method})
		n.salvage = &salvage{o, s.now + s.between(200, 5000)}
		s.tell("  node %d: recovers backend %d from %d in epoch %d", n.id, o.Backend, o.To, o.Epoch)
		p := s.servers[o.Backend]
		if o.Epoch < n.promised || !s.linked(n.host, p.id) || !s.linked(p.id, o.To) || o.Backend == s.m.PrimaryID() {
			s.endSalvage(n, "refused") // as pgrecover does, which asks the other servers
			return
		}
		n.promised = max(n.promised, o.Epoch)
		p.crash(false)
		return
	}
}

func (s *sim) endSalvage(n *node, err string) {
	r := &n.recoveries[len(n.recoveries)-1]
	r.Done, r.Err = true, err
	n.salvage = nil
	s.tell("  node %d: recovery of backend %d: %s", n.id, r.Backend, err)
}

// salvaging reports whether a server is being recovered: nobody starts it meanwhile.
func (s *sim) salvaging(p *server) bool {
	for _, n := range s.nodes {
		if n.salvage != nil && n.salvage.order.Backend == p.id {
			return true
		}
	}
	return false
}

// wish lets an operator have a server recovered, whether that makes sense or not.
func (s *sim) wish() {
	b := s.rng.IntN(len(s.servers))
	s.asked++
	s.tell("* an operator wants backend %d recovered", b)
	s.wishes = append(s.wishes, failover.Wish{ID: fmt.Sprint("wish-", s.asked), Backend: b, By: "ann"})
}

// answered removes the wishes that a plan has an end for, as an operator who gets an answer.
func (s *sim) answered(p *failover.Plan) {
	for _, r := range p.Recoveries {
		b := s.m.Backend(r.Backend)
		if !r.Done || r.Err == "" && b.Since <= r.Since {
			continue
		}
		for i := 0; i < len(s.wishes); i++ {
			if s.wishes[i].ID == r.ID {
				s.wishes = append(s.wishes[:i], s.wishes[i+1:]...)
				i--
			}
		}
	}
}

// detach lets an operator take a server out.
func (s *sim) detach() {
	b := s.rng.IntN(len(s.servers))
	switch {
	case s.m.Backend(b).Status == clustermap.Detached || s.m.Failover != nil:
	case b == s.m.PrimaryID():
		s.tell("* an operator detaches the primary")
		s.apply(clustermap.Command{By: "ann", Begin: &clustermap.Failover{Kind: clustermap.Detach, From: b, To: clustermap.None, Reason: "wanted"}})
	default:
		s.tell("* an operator detaches backend %d", b)
		s.apply(clustermap.Command{By: "ann", Backend: &clustermap.SetBackend{ID: b, Status: clustermap.Detached}})
	}
}
