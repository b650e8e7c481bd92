package authority

import (
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// A fork is a point where a node went on without a majority (clustermap.Forced).
type fork struct {
	Hash uint64 `json:"hash"` // of this and all earlier ones
	From uint64 `json:"from"` // the last index that both sides can share
}

func forksOf(forced []clustermap.Forced) []fork {
	var forks []fork
	h := fnv.New64a()
	for _, f := range forced {
		fmt.Fprintf(h, "%d %d %d\n", f.Node, f.From, f.At.UnixMicro())
		forks = append(forks, fork{h.Sum64(), f.From})
	}
	return forks
}

// tag names a history in raft messages.
func tag(forks []fork) uint64 {
	if len(forks) == 0 {
		return 0
	}
	return forks[len(forks)-1].Hash
}

// begins reports whether history b begins with history a.
func begins(a, b []fork) bool { return len(a) <= len(b) && slices.Equal(a, b[:len(a)]) }

// mayFollow reports whether this node may become a follower in a history that goes on where its own ends: it must not
// have decided anything after the point where the other one went its own way.
func (c *Core) mayFollow(theirs []fork) bool {
	return begins(c.forks, theirs) && (len(theirs) == len(c.forks) || c.hard.GetCommit() <= theirs[len(c.forks)].From)
}

// behind reports whether a node may become a follower in this node's history, likewise.
func (c *Core) behind(s *standing) bool {
	return begins(s.Forks, c.forks) && (len(s.Forks) == len(c.forks) || s.Commit <= c.forks[len(s.Forks)].From)
}

// akin reports whether a node's history and this one's are the same, as far as both go.
func (c *Core) akin(s *standing) bool { return c.behind(s) || c.mayFollow(s.Forks) }

// hears reports whether a raft message with that tag, from that peer, concerns this node's history.
func (c *Core) hears(p *peer, of uint64) bool {
	return of == tag(c.forks) || p.is != nil && tag(p.is.Forks) == of && c.akin(p.is)
}

// counts reports whether a peer's log is one that decides together with this node's.
func (c *Core) counts(p *peer) bool { return p.is != nil && !p.is.Empty && !p.is.Loser && c.akin(p.is) }

// meet judges a peer by what it says it is. Where both histories went on after a fork, neither is merged or rewound: one
// of the two nodes, that with the lower ID, decides which one stays, by epoch and index, and the other side is
// quarantined.
func (c *Core) meet(from clustermap.NodeID, p *peer) {
	s := p.is
	p.problem = ""
	if c.rn == nil || s.Empty {
		if d := differ(c.cfg.Nodes, s.Nodes); d != "" && (c.rn == nil || s.Virgin || s.Empty) {
			p.problem = fmt.Sprintf("node %d has another configuration: %s", from, d)
		}
		return
	}
	switch {
	case c.akin(s):
		p.judged, p.lost = false, false
	case s.Loser:
		p.lost = false
		p.problem = fmt.Sprintf("node %d is quarantined: it went its own way; empty its state directory to let it join again", from)
	case c.quarantined != "":
	case s.Lost:
		c.quarantine(fmt.Sprintf("this node and node %d both went on by themselves; node %d is ahead", from, from))
	case c.cfg.Self.ID < from && !p.judged && c.replayed():
		p.judged = true
		if s.Epoch > c.m.Epoch || s.Epoch == c.m.Epoch && s.Index > c.m.Index {
			c.quarantine(fmt.Sprintf("this node and node %d both went on by themselves; node %d is ahead (epoch %d, index %d; here %d, %d)",
				from, from, s.Epoch, s.Index, c.m.Epoch, c.m.Index))
			return
		}
		p.lost = true
		c.askNow = true
	}
}

func (c *Core) quarantine(why string) {
	c.quarantined, c.keep = why, why
	c.serve, c.vip = Serve{}, VIP{Holder: clustermap.None}
	c.dirty = true
}
