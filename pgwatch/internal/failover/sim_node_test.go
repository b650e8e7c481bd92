package failover_test

import (
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A node stands for pgwatch and pgrouter on one host.
type node struct {
	id      clustermap.NodeID
	host    int
	witness bool
	runs    bool
	frozen  time.Duration // until then it does nothing; its leases and its host go on

	m      clustermap.Map // as far as it has come here
	views  []report.Backend
	began  []time.Duration // of each view
	asks   time.Duration   // when it asks next
	said   report.Local    // what it told last
	orders []report.Order
	sent   time.Duration // of the request that the newest grant answers

	lease      uint64 // epoch of its serve lease
	leaseUntil time.Duration

	// On disk.
	promised, recruited, promoted, follows, fenced uint64
	end                                            uint64

	saw   bool          // its server run
	busy  time.Duration // an order is being carried out until then
	doing report.Order
	hooks []report.HookDone
	ran   map[string]bool

	recoveries []report.Recovery
	salvage    *salvage // under way
}

// crash ends pgwatch. The router has its lease until that ends.
func (n *node) crash() {
	n.runs, n.orders, n.busy, n.hooks, n.saw = false, nil, 0, nil, false
	n.ran = map[string]bool{}
	n.recoveries, n.salvage = nil, nil
}

func (s *sim) awake(n *node) bool { return n.runs && s.hosts[n.host] && n.frozen <= s.now }

// look probes all servers, and asks the leader for leases when it is time or something happened.
func (s *sim) look(n *node) {
	if s.now%(300*time.Millisecond) == 0 && !n.witness {
		for i, p := range s.servers {
			v := &n.views[i]
			h := s.probe(n, p)
			if h != v.Health {
				v.Health, n.began[i], v.Fails = h, s.now, 0
			}
			v.For = s.now - n.began[i]
			if h != report.Well {
				v.Fails++
				continue
			}
			v.Fails, v.Standby, v.SystemID, v.Timeline, v.LSN, v.Received, v.Upstream, v.Name, v.SyncSet = 0, p.standby, "7", p.timeline, p.lsn(), 0, "", "", p.syncset
			if p.standby {
				v.LSN, v.Received, v.Name = uint64(p.replayed), p.lsn(), fmt.Sprint("s", p.id)
				if p.streams {
					v.Upstream = fmt.Sprintf("h%d:5432", p.upstream)
				}
			}
		}
	}
	local, watches := s.local(n)
	if urgent := watches && local != n.said; s.now >= n.asks || urgent {
		n.asks, n.said = s.now+250*time.Millisecond, local
		r := report.Report{Node: n.id, Epoch: n.m.Epoch, Hooks: n.hooks, Recoveries: append([]report.Recovery(nil), n.recoveries...), Backends: append([]report.Backend(nil), n.views...)}
		if watches {
			r.Local = []report.Local{local}
		}
		s.send(n, r)
	}
}

// local is what a node says of the server on its own host.
func (s *sim) local(n *node) (report.Local, bool) {
	if n.witness || s.apart {
		return report.Local{}, false
	}
	p := s.servers[n.host]
	n.saw = n.saw || p.runs
	l := report.Local{ID: p.id, Postmaster: report.Runs, Promised: n.promised, Recruited: n.recruited, Promoted: n.promoted, Follows: n.follows, Fenced: n.fenced}
	switch {
	case p.orphans:
		l.Postmaster = report.Orphans
	case !p.runs:
		l.Postmaster, l.Stopped, l.Standby, l.Ran = report.Dead, p.clean, p.standby, n.saw
	}
	if n.recruited > 0 || p.clean {
		l.Timeline, l.End = p.timeline, n.end
	}
	return l, true
}

// act carries out one order at a time, each after a while, and refuses those of epochs below what it has promised.
func (s *sim) act(n *node) {
	if n.busy > 0 && n.busy <= s.now {
		n.busy = 0
		s.finish(n, n.doing)
	}
	s.salvage(n)
	if n.busy > 0 || n.salvage != nil {
		return
	}
	for _, o := range n.orders {
		if o.Op != report.DoHook && o.Epoch < n.promised || s.idle(n, o) {
			continue
		}
		n.doing, n.busy = o, s.now+s.between(20, 200)
		switch o.Op {
		case report.DoStop:
			if s.rng.IntN(6) == 0 {
				n.busy = s.now + s.between(1000, 20000)
			}
		case report.DoHook:
			n.ran[o.ID] = true
			if s.rng.IntN(8) == 0 {
				n.busy = s.now + s.between(1000, 15000)
			}
		}
		return
	}
}

// idle reports whether an order asks for what is so already, or what cannot be.
func (s *sim) idle(n *node, o report.Order) bool {
	if o.Op == report.DoHook {
		return n.ran[o.ID]
	}
	if o.Op == report.DoRecover {
		return true // see salvage
	}
	p := s.servers[o.Backend]
	switch o.Op {
	case report.DoFence, report.DoStop:
		return n.fenced >= o.Epoch && !p.runs && !p.orphans
	case report.DoRecruit:
		return n.recruited >= o.Epoch && p.runs || p.hangs || p.orphans || !p.standby || p.clean && !p.runs
	case report.DoPromote:
		return !p.runs || p.hangs || !p.standby || n.fenced >= o.Epoch && !s.apart
	case report.DoFollow:
		return n.follows >= o.Epoch
	case report.DoStart:
		return n.fenced == 0
	}
	return true
}

func (s *sim) finish(n *node, o report.Order) {
	if o.Op == report.DoHook {
		s.hook(n, o)
		return
	}
	if o.Epoch < n.promised || s.idle(n, o) {
		return
	}
	p := s.servers[o.Backend]
	if s.apart && !s.linked(n.host, p.id) {
		return
	}
	s.tell("  node %d: %s backend %d for epoch %d", n.id, o.Op, o.Backend, o.Epoch)
	n.promised = max(n.promised, o.Epoch)
	switch o.Op {
	case report.DoFence:
		p.crash(false)
		n.fenced = o.Epoch
	case report.DoStop:
		for _, q := range s.servers {
			if q.streams && q.upstream == p.id { // it ends when they have got all
				q.wal = append(q.wal, p.wal[len(q.wal):]...)
			}
		}
		clean := p.runs && !p.hangs
		p.crash(false)
		p.clean, n.fenced, n.end = clean, o.Epoch, p.lsn()
	case report.DoRecruit:
		p.start()
		p.upstream, p.streams = -1, false
		n.recruited, n.end = o.Epoch, p.lsn()
	case report.DoPromote:
		s.makePrimary(p)
		if !s.apart {
			n.promoted, n.fenced = o.Epoch, 0
		}
	case report.DoFollow:
		to := s.servers[o.To]
		if !s.linked(p.id, to.id) || !to.runs {
			return
		}
		p.rewind(to)
		p.standby, p.upstream, p.timeline = true, o.To, min(p.timeline, to.timeline)
		p.start()
		n.follows, n.fenced = o.Epoch, 0
	case report.DoStart:
		n.fenced = 0
		p.start()
	}
}

func (s *sim) makePrimary(p *server) {
	p.standby, p.upstream, p.streams = false, -1, false
	p.replayed = len(p.wal)
	p.timeline++
}

// hook runs a command of Pgpool-II's kind: failover_command promotes, and sometimes does not.
func (s *sim) hook(n *node, o report.Order) {
	done := report.HookDone{ID: o.ID}
	var m int
	fmt.Sscan(o.Vars["m"], &m)
	if o.Hook == "failover_command" && o.Vars["d"] == o.Vars["P"] && m >= 0 {
		switch p := s.servers[m]; {
		case s.rng.IntN(4) == 0:
			done.Err = "exit status 1"
		case s.rng.IntN(4) > 0 && p.runs && !p.hangs && p.standby && s.linked(n.host, p.id):
			s.makePrimary(p)
		}
	}
	n.hooks = append(n.hooks, done)
}
