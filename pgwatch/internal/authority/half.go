package authority

import (
	"fmt"
	"math"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// forcedTerms is how far the term jumps when a node goes on without a majority, so that it is told from an election.
const forcedTerms = 1000

// alone reports whether half of the members, or less, were made all of the voters.
func (c *Core) alone() bool {
	return len(c.forks) > 0 && 2*len(c.conf.GetVoters()) <= c.members()
}

// members counts those that did not leave on purpose.
func (c *Core) members() int {
	n := 0
	for _, m := range c.m.Members {
		if !m.Left {
			n++
		}
	}
	return n
}

// silent reports whether a node has been so for as long as enable_consensus_with_half_votes takes for death.
func (c *Core) silent(id clustermap.NodeID) bool {
	p := c.peer(id)
	return c.watched-max(p.heard, 0) >= c.cfg.HalfSilence || p.gone != never && c.watched-p.gone >= c.cfg.HalfGone
}

// knowsAlone reports whether a node that was alone before it stopped may lead again: the others are silent, or have
// said that they are not ahead.
func (c *Core) knowsAlone() bool {
	for _, m := range c.m.Members {
		p := c.peer(m.ID)
		if m.Left || c.votes(m.ID) || c.silent(m.ID) || p.is != nil && (p.is.Empty || p.is.Loser || p.lost || c.behind(p.is)) {
			continue
		}
		return false
	}
	return !c.cfg.Arbiters || c.reached != never
}

// judgeHalf goes on without the other half of the voters when it is dead, as far as can be told, and this node knows more
// than the others of its own half.
func (c *Core) judgeHalf() {
	if !c.cfg.Half || c.rn == nil || c.force != "" || !c.votes(c.cfg.Self.ID) {
		return
	}
	if c.cfg.Arbiters && (c.reached == never || c.watched-c.reached < c.cfg.HalfSilence) {
		return // this node may have been the one that was cut off, and hear of the other in a moment
	}
	if me := c.m.Member(c.cfg.Self.ID); me == nil || me.Left {
		return // it stopped on purpose and others went on
	}
	voters, dead := c.voters(), ""
	var alive []uint64
	for _, id := range voters {
		p := c.peer(id)
		switch {
		case id == c.cfg.Self.ID:
			alive = append(alive, raftID(id))
		case c.silent(id) || p.empty != never && c.watched-p.empty >= c.cfg.HalfSilence:
			dead = fmt.Sprintf("%s, node %d", dead, id)
		case c.alive(id) && c.counts(p):
			alive = append(alive, raftID(id))
			if !c.knowsMore(p.is) {
				return
			}
		default:
			return
		}
	}
	settled := len(voters) == 2 || c.leader == clustermap.None && c.watched-c.without >= aliveFor
	if 2*len(alive) == len(voters) && settled {
		c.force, c.forceBy, c.forceWith = "half of the votes: lost"+dead[1:], "enable_consensus_with_half_votes", alive
	}
}

// knowsMore reports whether this node is to go on rather than one that lives, too.
func (c *Core) knowsMore(s *standing) bool {
	switch {
	case s.LastTerm != c.lastTerm():
		return s.LastTerm < c.lastTerm()
	case s.Last != c.last():
		return s.Last < c.last()
	}
	return before(c.cfg.Self, s.Self)
}

// goOn makes those that it goes on with all voters there are, and records that. What is in this node's log counts as decided.
func (c *Core) goOn() {
	why := c.force
	c.force, c.careful = "", false
	if c.rn == nil {
		c.foundForced(clustermap.Map{Members: c.configured()}, 0, 1, why)
		return
	}
	m, last := c.m, c.last()
	if last > c.applied {
		entries, err := c.store.Entries(c.applied+1, last+1, math.MaxUint64)
		if err != nil {
			c.err = err
			return
		}
		for _, e := range entries {
			if e.GetType() != raftpb.EntryNormal || len(e.GetData()) == 0 {
				continue
			}
			_, cmd, err := decode(e)
			if err != nil {
				c.err = fmt.Errorf("entry %d of the log, perhaps of a newer version: %w", e.GetIndex(), err)
				return
			}
			m, _ = m.Apply(e.GetIndex(), cmd)
		}
	}
	c.foundForced(m, last, c.hard.GetTerm(), why)
}

func (c *Core) foundForced(m clustermap.Map, last, term uint64, why string) {
	f := clustermap.Forced{Node: c.cfg.Self.ID, From: last, Reason: why, At: c.cfg.wall()}
	m, err := m.Apply(last+1, clustermap.Command{By: c.forceBy, Forced: &f})
	if err != nil {
		c.err = err
		return
	}
	m.Index = last + 1
	c.leading, c.leader = false, clustermap.None
	c.found(m, term+forcedTerms, c.forceWith)
	c.campaignAt, c.lost = c.now, clustermap.None
	c.askNow = true
}

// Force goes on without the other voters: an operator's word that they are dead or must not decide any more. On a node
// without a log it founds the cluster alone.
func (c *Core) Force(now time.Duration, by string) {
	c.clock(now)
	if c.quarantined == "" && c.err == nil {
		c.force, c.forceBy, c.forceWith = "an operator's word", by, []uint64{raftID(c.cfg.Self.ID)}
	}
}
