package authority

import (
	"reflect"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// planEvery is how often a leader plans when nothing happens.
const planEvery = 100 * time.Millisecond

// decide asks for a Plan when it is time, and does what it says.
func (c *Core) decide() {
	if c.now < c.planAt {
		return
	}
	c.planAt = c.now + planEvery
	if c.plan = (Plan{Serve: true}); c.cfg.Plan != nil {
		c.plan = c.cfg.Plan(c.situation())
	}
	for _, m := range c.m.Members {
		p := c.peer(m.ID)
		if orders := c.plan.Orders[m.ID]; !reflect.DeepEqual(orders, p.orders) {
			p.orders = orders
			c.deliver(m.ID, c.newGrant(m.ID))
		}
	}
	if c.planID == 0 && len(c.plan.Commands) > 0 {
		cmd := c.plan.Commands[0]
		if cmd.Expect == nil {
			rev := c.m.Rev()
			cmd.Expect = &rev
		}
		c.planID = c.proposeOwn(cmd)
	}
}

func (c *Core) situation() Situation {
	s := Situation{Now: c.now, Self: c.cfg.Self.ID, Term: c.term, Map: c.m, Quorum: c.quorum(), Watching: c.now - max(c.elected, c.gap),
		OldLeasesEnd: c.oldLeasesEnd()}
	for _, m := range c.m.Members {
		p := c.peer(m.ID)
		n := Node{Member: m, Age: -1, Alive: c.alive(m.ID), Gone: p.gone != never, Voter: c.votes(m.ID)}
		if p.reported != never {
			n.Report, n.Age = p.report, c.now-p.reported
		}
		s.Nodes = append(s.Nodes, n)
	}
	return s
}

// quorum says what this leader's decisions rest on.
func (c *Core) quorum() Quorum {
	if !c.mayLease() || c.watched-c.confirmed > 3*c.cfg.Ask {
		return NoVote
	}
	n := 0
	for _, id := range c.voters() {
		if c.alive(id) {
			n++
		}
	}
	if 2*n <= c.members() {
		return Edge
	}
	return Full
}

func (c *Core) view() View {
	v := View{Term: c.term, Leader: c.leader, Leading: c.leads(), Quorum: NoVote, Map: c.m, Voters: c.voters(),
		Serve: c.serve, VIP: c.vip, Orders: c.orders, Recoveries: c.recoveries, Leaving: c.leaving, Left: c.left, Waiting: c.waiting(), Quarantined: c.quarantined}
	v.VIP.Holder = clustermap.None
	switch {
	case v.Leading:
		v.Quorum, v.VIP.Holder = c.quorum(), c.holder
	case c.told.term > 0 && c.told.term >= c.term && c.watched-c.told.at < aliveFor:
		v.Quorum, v.VIP.Holder = c.told.quorum, c.told.holder
	}
	if c.quarantined != "" {
		v.Quorum = NoVote
	}
	for _, id := range append(c.others(), c.cfg.Self.ID) {
		if c.alive(id) {
			v.Alive = append(v.Alive, id)
		}
		if p := c.peer(id); p.problem != "" {
			v.Problems = append(v.Problems, p.problem)
		}
	}
	return v
}
