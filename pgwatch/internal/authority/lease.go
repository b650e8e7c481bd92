package authority

import (
	"encoding/binary"
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/link"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A read is an ask that the leader answers once a majority has confirmed that it still leads.
type read struct {
	no   uint64
	node clustermap.NodeID
	seq  uint64
	boot uint64
}

// told is what the leader's newest grant said.
type told struct {
	term, n  uint64
	at       time.Duration // watched
	quorum   Quorum
	holder   clustermap.NodeID
	admitted uint64
}

// ask sends a request for leases to the leader, and tells the others once a second that this node is there; all of them
// each time while there is no leader.
func (c *Core) ask() {
	c.askAt, c.dirty = c.now+c.cfg.Ask, true
	c.asks++
	c.sent[c.asks] = c.now
	a := ask{Seq: c.asks, Token: c.vip.Token, Leaving: c.leaving}
	all := c.leader == clustermap.None || c.asks%4 == 0
	for _, id := range c.others() {
		if id != c.leader && !all {
			if !c.peer(id).lost {
				continue
			}
		}
		a.Is = c.standing(id)
		a.Report = nil
		if id == c.leader {
			a.Report = &c.report
		}
		c.send(id, link.Ask, &a)
	}
	if c.leading {
		a.Is, a.Report = c.standing(c.cfg.Self.ID), &c.report
		c.receiveAsk(c.cfg.Self.ID, c.peer(c.cfg.Self.ID), &a)
	}
}

// receiveAsk takes a request in.
func (c *Core) receiveAsk(from clustermap.NodeID, p *peer, a *ask) {
	if a.Seq > p.seq || a.Is.Boot != p.boot {
		c.take(from, p, &a.Is)
		p.seq, p.token = a.Seq, max(a.Token, p.token)
		if a.Report != nil {
			p.report, p.reported = *a.Report, c.now
			c.planAt = 0
		}
		if p.leaving != a.Leaving {
			p.leaving = a.Leaving
			c.dirty = true
		}
	}
	if !c.leading {
		c.send(from, link.Grant, &grant{Seq: a.Seq, Boot: a.Is.Boot, Is: c.standing(from), Holder: clustermap.None})
		return
	}
	c.readNo++
	c.reads = append(c.reads, read{c.readNo, from, a.Seq, a.Is.Boot})
	c.rn.ReadIndex(binary.BigEndian.AppendUint64(nil, c.readNo))
}

// confirm answers the ask for which a majority has confirmed this leader.
func (c *Core) confirm(ctx []byte) {
	i := slices.IndexFunc(c.reads, func(r read) bool { return len(ctx) == 8 && r.no == binary.BigEndian.Uint64(ctx) })
	if i < 0 || !c.leads() {
		return
	}
	r := c.reads[i]
	c.reads = slices.Delete(c.reads, i, i+1)
	c.confirmed = c.watched
	g := c.newGrant(r.node)
	g.Seq, g.Boot = r.seq, r.boot
	if c.mayServe(r.node) {
		g.Serve = c.cfg.Lease
		c.peer(r.node).served = c.now
	}
	if c.chooseHolder(); r.node == c.holder && c.mayHold() {
		g.VIP = c.cfg.Lease
		p := c.peer(r.node)
		p.held, p.heldAt = c.token(), c.now
	}
	c.deliver(r.node, g)
}

// newGrant is an answer or a push without leases.
func (c *Core) newGrant(to clustermap.NodeID) *grant {
	c.grants++
	p := c.peer(to)
	m := c.m.Member(to)
	g := &grant{Boot: p.boot, Is: c.standing(to), Leads: true, N: c.grants, Admitted: c.admitted[to], Left: m != nil && m.Left && !c.votes(to),
		Quorum: c.quorum(), Holder: c.holder}
	g.Grant = report.Grant{Term: c.term, Epoch: c.m.Epoch, Token: c.token(), Orders: p.orders, Recoveries: c.plan.Recoveries}
	return g
}

func (c *Core) deliver(to clustermap.NodeID, g *grant) {
	if to == c.cfg.Self.ID {
		c.obey(g)
		return
	}
	c.send(to, link.Grant, g)
}

// mayLease reports whether this leader may give leases at all: with half of the votes only while an arbiter sees it.
func (c *Core) mayLease() bool {
	return c.leads() && (!c.alone() || !c.cfg.Arbiters || c.reached != never)
}

// reached is what a report says of trusted_servers when one answers.
const reached = "reached"

// mayServe reports whether routers of a node may write in the Map's epoch.
func (c *Core) mayServe(id clustermap.NodeID) bool {
	m, p := c.m.Member(id), c.peer(id)
	if !c.mayLease() || !c.plan.Serve || m == nil || m.Left || c.m.Primary == nil || p.is == nil || p.is.Self.Witness || id != c.cfg.Self.ID && !c.counts(p) {
		return false
	}
	f := c.m.Failover
	return f == nil || f.State == clustermap.Reconverge || f.Kind == clustermap.Switchover && f.State == clustermap.Fence
}

// oldLeasesEnd is when no router can hold a lease of an epoch before the one that is promised: leases of this leader
// and those of its predecessors, which all were asked for before its election.
func (c *Core) oldLeasesEnd() time.Duration {
	end := never
	for _, id := range append(c.others(), c.cfg.Self.ID) {
		if !c.standingOf(id).Witness {
			end = max(end, max(c.elected, c.peer(id).served)+c.cfg.surely())
		}
	}
	return end
}

// receiveGrant takes what another node says it is, and what it grants if it leads.
func (c *Core) receiveGrant(from clustermap.NodeID, p *peer, g *grant) {
	c.take(from, p, &g.Is)
	if g.Boot != c.cfg.Boot {
		return
	}
	if c.rn == nil {
		p.agreed = p.agreed || (g.Is.Empty || g.Is.Virgin) && differ(c.cfg.Nodes, g.Is.Nodes) == ""
		if g.Admitted == c.cfg.Boot { // the leader has taken away the vote of the one that was here before
			c.err = c.restart(State{Hard: &raftpb.HardState{}})
			c.dirty = true
		}
		return
	}
	if g.Leads && c.akin(&g.Is) {
		c.obey(g)
	}
}

// obey takes leases and orders of a leader.
func (c *Core) obey(g *grant) {
	if g.Term < c.term || g.Term < c.told.term || c.quarantined != "" {
		return
	}
	at, asked := c.sent[g.Seq]
	newest := g.Term > c.told.term || g.N > c.told.n
	if newest {
		c.told = told{g.Term, g.N, c.watched, g.Quorum, g.Holder, g.Admitted}
		c.orders, c.recoveries = g.Orders, g.Recoveries
		c.left = c.leaving && g.Left
		c.dirty = true
	}
	if g.Token > c.vip.Token {
		c.vip = VIP{Holder: g.Holder, Token: g.Token}
		c.askNow = c.askNow || g.Seq == 0 // tell the leader that the old one is let go
	}
	if !asked {
		return
	}
	switch {
	case g.Serve > 0 && g.Epoch > c.serve.Epoch:
		c.serve = Serve{g.Epoch, at + g.Serve}
	case g.Serve > 0 && g.Epoch == c.serve.Epoch:
		c.serve.Until = max(c.serve.Until, at+g.Serve)
	case g.Serve == 0 && newest:
		c.serve.Until = 0
	}
	switch {
	case g.Token != c.vip.Token:
	case g.VIP > 0:
		c.vip.Until = max(c.vip.Until, at+g.VIP)
	case newest:
		c.vip.Until = 0
	}
	c.dirty = true
}
