package failover_test

import (
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// fault breaks something now and then.
func (s *sim) fault() {
	if s.m.Epoch == 0 || s.rng.IntN(120) > 0 {
		return
	}
	p, n := s.servers[s.rng.IntN(len(s.servers))], s.nodes[s.rng.IntN(len(s.nodes))]
	if s.rng.IntN(2) == 0 {
		p = s.servers[max(s.m.PrimaryID(), 0)]
	}
	later := func(lowMS, highMS int, do func()) {
		s.heal = append(s.heal, happening{s.now + s.between(lowMS, highMS), do})
	}
	switch s.rng.IntN(17) {
	case 0, 1:
		s.tell("* backend %d crashes", p.id)
		p.crash(s.rng.IntN(3) == 0)
		if p.orphans {
			later(50, 3000, func() { p.orphans = false })
		}
		if s.rng.IntN(2) == 0 {
			s.startLater(p)
		}
	case 2:
		s.tell("* backend %d is shut down", p.id)
		p.crash(false)
		p.clean = true
		s.startLater(p)
	case 3:
		s.tell("* backend %d hangs", p.id)
		p.hangs = true
		later(500, 12000, func() { p.hangs = false })
	case 4, 5:
		h := p.id
		s.tell("* host %d loses its power", h)
		s.hosts[h] = false
		p.crash(false)
		for _, o := range s.nodes {
			if o.host == h {
				o.crash()
				o.lease, o.leaseUntil = 0, 0
			}
		}
		later(1000, 20000, func() { s.boot(h) })
	case 6, 7:
		a := s.rng.IntN(len(s.hosts))
		s.tell("* host %d is cut off", a)
		s.partition(a, true)
		later(300, 10000, func() { s.partition(a, false) })
	case 8:
		a, b := s.rng.IntN(len(s.hosts)), s.rng.IntN(len(s.hosts))
		s.tell("* hosts %d and %d do not hear each other", a, b)
		s.cut[a][b] = true
		later(300, 10000, func() { s.cut[a][b] = false })
	case 9:
		s.tell("* node %d is killed", n.id)
		n.crash()
		later(200, 8000, func() { n.runs = true })
	case 10:
		n.frozen = s.now + s.between(200, 4000)
		s.tell("* node %d is frozen until %v", n.id, n.frozen)
	case 11:
		if s.majority(n) {
			s.enthrone(n)
		}
		s.lags[p.id] = s.now + s.between(100, 2000)
	case 12:
		s.operator()
	case 15:
		s.detach()
	case 16:
		s.wish()
	case 13:
		s.tell("* backend %d crashes, is started again at once, and its host is cut off", p.id)
		p.crash(false)
		later(50, 300, func() { s.partition(p.id, true) })
		later(100, 900, func() { s.started(p) })
		later(1000, 10000, func() { s.partition(p.id, false) })
	case 14:
		h := s.rng.IntN(len(s.hosts))
		if s.rng.IntN(2) == 0 {
			h = p.id
		}
		s.tell("* host %d is cut off, and an operator acts soon", h)
		s.partition(h, true)
		later(100, 1500, s.operator)
		later(1000, 10000, func() { s.partition(h, false) })
	}
}

// operator does what operators do.
func (s *sim) operator() {
	to := s.rng.IntN(len(s.servers)+1) - 1
	kind := clustermap.Switchover
	if s.rng.IntN(4) == 0 {
		kind = clustermap.Operator
	}
	if s.m.Failover == nil && to != s.m.PrimaryID() {
		s.tell("* an operator wants a %s to %d", kind, to)
		s.apply(clustermap.Command{Begin: &clustermap.Failover{Kind: kind, From: s.m.PrimaryID(), To: to, Reason: "wanted"}})
	}
}

// startLater lets a server be started by its host.
func (s *sim) startLater(p *server) {
	at := s.now + s.between(50, 6000)
	s.heal = append(s.heal, happening{at, func() { s.started(p) }})
}

// started starts a server, unless the node on its host keeps it from that.
func (s *sim) started(p *server) {
	for _, n := range s.nodes {
		if n.host == p.id && !s.apart && n.fenced > 0 {
			return
		}
	}
	if s.salvaging(p) {
		return
	}
	if s.hosts[p.id] {
		s.tell("* backend %d is started", p.id)
		p.start()
	}
}

func (s *sim) boot(h int) {
	s.tell("* host %d is back", h)
	s.hosts[h] = true
	for _, n := range s.nodes {
		if n.host == h {
			n.runs = true
		}
	}
	s.started(s.servers[h])
}

func (s *sim) partition(a int, cut bool) {
	for b := range s.hosts {
		if b != a {
			s.cut[a][b] = cut
		}
	}
}

// mend ends all faults.
func (s *sim) mend() {
	s.tell("* all faults end")
	s.heal = []happening{{s.now + s.between(3000, 9000), s.operator}} // all is well by then, as when operators plan things
	s.lossy = false
	for h := range s.hosts {
		s.hosts[h] = true
		clear(s.cut[h])
	}
	for _, n := range s.nodes {
		n.runs, n.frozen = true, 0
	}
	for _, p := range s.servers {
		p.hangs, p.orphans = false, false
	}
	s.restartDead()
}

// restartDead is the operator who starts what lies about.
func (s *sim) restartDead() {
	for _, p := range s.servers {
		if !p.runs {
			s.started(p)
		}
	}
}
