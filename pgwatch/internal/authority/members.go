package authority

import (
	"encoding/json"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// An admission goes with a change of voters: a process of a node that has no log may take part from then on.
type admission struct {
	Node clustermap.NodeID `json:"node"`
	Boot uint64            `json:"boot"`
}

// changing marks a change of the voters that is on its way. It is the number of no proposal.
const changing = ownProposal

// admit makes the voters follow the members, one step at a time: the Map says who should vote, raft's configuration says
// who does. A member without a log loses its vote, joins as a learner, and votes again when it has what was
// decided; so does one that comes back. One that leaves is marked in the Map first, so that it knows when it starts again.
func (c *Core) admit() {
	if c.joinID != 0 && c.now < c.joinAt {
		return
	}
	c.joinID = 0
	for _, id := range slices.Concat(c.conf.GetVoters(), c.conf.GetLearners()) {
		if c.m.Member(nodeID(id)) == nil && c.goesWithout(nodeID(id)) {
			c.change(raftpb.ConfChangeRemoveNode, nodeID(id), nil)
			return
		}
	}
	for _, m := range c.m.Members {
		if c.alive(m.ID) && c.admitOne(m) {
			return
		}
	}
}

// admitOne reports whether it began a change for that member.
func (c *Core) admitOne(m clustermap.Member) bool {
	p := c.peer(m.ID)
	if p.is == nil || m.ID == c.cfg.Self.ID && p.leaving {
		return false
	}
	votes, learns := c.votes(m.ID), slices.Contains(c.conf.GetLearners(), raftID(m.ID))
	want := p.is.Self
	want.Left = p.leaving
	switch {
	case p.is.Empty && c.admitted[m.ID] == p.is.Boot:
		return false // it has been told, or will be with the next grant
	case p.is.Empty && c.watched-p.empty < 2*c.cfg.Ask:
		return false // it may have begun one meanwhile
	case p.is.Empty && (votes || learns):
		return c.goesWithout(m.ID) && c.change(raftpb.ConfChangeRemoveNode, m.ID, nil)
	case p.is.Empty:
		return c.change(raftpb.ConfChangeAddLearnerNode, m.ID, &admission{m.ID, p.is.Boot})
	case m.ID != c.cfg.Self.ID && !c.counts(p):
		return false
	case want != m:
		c.joinID, c.joinAt = c.proposeOwn(clustermap.Command{Member: &want}), c.now+c.cfg.Patience
		return c.joinID != 0
	case m.Left:
		return (votes || learns) && c.goesWithout(m.ID) && c.change(raftpb.ConfChangeRemoveNode, m.ID, nil)
	case !votes && !learns:
		return c.change(raftpb.ConfChangeAddLearnerNode, m.ID, nil)
	case learns && c.caughtUp(m.ID):
		return c.change(raftpb.ConfChangeAddNode, m.ID, nil)
	}
	return false
}

// goesWithout reports whether the voters that live are a majority without that node, too.
func (c *Core) goesWithout(id clustermap.NodeID) bool {
	all, alive := 0, 0
	for _, v := range c.voters() {
		if v == id {
			continue
		}
		all++
		if v == c.cfg.Self.ID || c.alive(v) && c.counts(c.peer(v)) {
			alive++
		}
	}
	return 2*alive > all
}

// change proposes a change of the voters.
func (c *Core) change(t raftpb.ConfChangeType, id clustermap.NodeID, a *admission) bool {
	cc := &raftpb.ConfChangeV2{Changes: []*raftpb.ConfChangeSingle{{Type: &t, NodeId: new(raftID(id))}}}
	if a != nil {
		b, err := json.Marshal(a)
		if err != nil {
			panic(err) // two numbers
		}
		cc.Context = b
	}
	if c.rn.ProposeConfChange(cc) != nil {
		return false
	}
	c.joinID, c.joinAt = changing, c.now+time.Second
	return true
}

// caughtUp reports whether a node has what was decided.
func (c *Core) caughtUp(id clustermap.NodeID) bool {
	yes := false
	c.rn.WithProgress(func(n uint64, _ raft.ProgressType, pr tracker.Progress) {
		yes = yes || n == raftID(id) && pr.Match >= c.hard.GetCommit()
	})
	return yes
}
