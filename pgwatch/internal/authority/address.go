package authority

import (
	"slices"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// token is the fencing token of the virtual address: it grows with each term and with each holder within one.
func (c *Core) token() uint64 { return c.term<<16 | c.turn }

// mayHold reports whether the holder may have the address now. Those that were granted it before in this term must have
// let go of it, or their leases must be over; what a leader of another term granted is not waited for, because the
// address is about being reached and not about safety.
func (c *Core) mayHold() bool {
	for id, p := range c.peers {
		if id != c.holder && p.heldAt != never && p.token <= p.held && c.now < p.heldAt+c.cfg.surely() {
			return false
		}
	}
	return c.mayLease()
}

// chooseHolder says who is to have the address: the leader, or the node beside the primary if that is configured. When
// the leader is a witness it is the best of the others, for as long as it lives.
func (c *Core) chooseHolder() {
	able := func(id clustermap.NodeID) bool {
		m, p := c.m.Member(id), c.peer(id)
		return m != nil && !m.Left && c.alive(id) && !p.leaving && p.is != nil && !p.is.Self.Witness && (id == c.cfg.Self.ID || c.counts(p))
	}
	to := clustermap.NodeID(clustermap.None)
	if c.cfg.VIPAtPrimary {
		for _, m := range c.m.Members {
			here := slices.ContainsFunc(c.peer(m.ID).report.Local, func(l report.Local) bool { return l.ID == c.m.PrimaryID() })
			if here && able(m.ID) {
				to = m.ID
			}
		}
	}
	switch {
	case to != clustermap.None:
	case able(c.cfg.Self.ID):
		to = c.cfg.Self.ID
	case c.holder != clustermap.None && able(c.holder):
		return
	default:
		for _, m := range c.m.Members {
			if able(m.ID) && (to == clustermap.None || before(c.standingOf(m.ID), c.standingOf(to))) {
				to = m.ID
			}
		}
	}
	if to == c.holder || to == clustermap.None {
		return
	}
	old := c.holder
	c.holder, c.dirty = to, true
	if old != clustermap.None {
		c.turn++
		c.deliver(old, c.newGrant(old))
	}
}
