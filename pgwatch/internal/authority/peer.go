package authority

import (
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// never is a time before any other.
const never = time.Duration(-1 << 62)

// aliveFor is how long a node is taken to live after it was heard.
const aliveFor = time.Second

// A peer is what a Core knows of a node, itself among them. Times called watched leave out when this process was held up.
type peer struct {
	heard  time.Duration // watched: the last message
	gone   time.Duration // watched: since when its process is known to have ended; never
	is     *standing     // the newest
	boot   uint64        // likewise, of the process that is
	empty  time.Duration // watched: since when it says that it has no log; never
	agreed bool          // it told this process that it is as new as this one, with the same configuration

	seq      uint64 // of the newest ask
	leaving  bool
	token    uint64
	report   report.Report
	reported time.Duration // now: when report came to this leader; never

	served time.Duration // now: the last grant of a serve lease
	held   uint64        // the token of the last grant of the virtual address in this term
	heldAt time.Duration // now: when that was
	orders []report.Order

	judged  bool
	lost    bool // its history is to be quarantined
	problem string
}

func (c *Core) peer(id clustermap.NodeID) *peer {
	p := c.peers[id]
	if p == nil {
		p = &peer{heard: never, gone: never, reported: never, empty: never, served: never, heldAt: never}
		c.peers[id] = p
	}
	return p
}

// others are the nodes to talk to, by ID.
func (c *Core) others() []clustermap.NodeID {
	var ids []clustermap.NodeID
	for _, n := range slices.Concat(c.m.Members, c.cfg.Nodes) {
		if n.ID != c.cfg.Self.ID && !slices.Contains(ids, n.ID) {
			ids = append(ids, n.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// alive reports whether a node was heard lately and is not known to be gone. This one is.
func (c *Core) alive(id clustermap.NodeID) bool {
	p := c.peers[id]
	return id == c.cfg.Self.ID || p != nil && p.gone == never && c.watched-p.heard < aliveFor
}

// hear notes that a node lives.
func (c *Core) hear(p *peer) {
	if p.gone != never || c.watched-p.heard >= aliveFor {
		c.dirty = true
	}
	p.heard, p.gone = c.watched, never
}

// take notes what a node says it is.
func (c *Core) take(from clustermap.NodeID, p *peer, s *standing) {
	if p.boot != s.Boot {
		p.boot, p.empty, p.seq, p.leaving, p.token = s.Boot, never, 0, false, 0
		c.dirty = true
	}
	old := p.problem
	p.is = s
	if !s.Empty {
		p.empty = never
	} else if p.empty == never {
		p.empty = c.watched
	}
	c.meet(from, p)
	c.dirty = c.dirty || p.problem != old
}

// Up says that messages reach a peer.
func (c *Core) Up(now time.Duration, id clustermap.NodeID) {
	c.clock(now)
	c.hear(c.peer(id))
}

// rank is how many voters that may be alive go before this one when it is to be elected: those with a higher
// wd_priority, and a witness goes last.
func (c *Core) rank() int {
	me, n := c.standingOf(c.cfg.Self.ID), 0
	for _, id := range c.voters() {
		if p := c.peers[id]; id != c.cfg.Self.ID && (p == nil || p.gone == never) && before(c.standingOf(id), me) {
			n++
		}
	}
	return n
}

// standingOf is what a node last said about itself, or else what the Map says.
func (c *Core) standingOf(id clustermap.NodeID) clustermap.Member {
	if id == c.cfg.Self.ID {
		return c.cfg.Self
	}
	if p := c.peers[id]; p != nil && p.is != nil {
		return p.is.Self
	}
	if m := c.m.Member(id); m != nil {
		return *m
	}
	return clustermap.Member{ID: id}
}

// before reports whether a is to lead rather than b.
func before(a, b clustermap.Member) bool {
	if a.Witness != b.Witness {
		return b.Witness
	}
	if a.Priority != b.Priority {
		return a.Priority > b.Priority
	}
	return a.ID < b.ID
}
