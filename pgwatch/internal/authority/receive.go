package authority

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/link"

	"time"

	"go.etcd.io/raft/v3"
)

// Receive takes a message of the kinds Raft, Ask and Grant. One that is damaged or not meant for this node is dropped.
func (c *Core) Receive(now time.Duration, from clustermap.NodeID, m link.Message) {
	c.clock(now)
	if c.err != nil || from == c.cfg.Self.ID {
		return
	}
	p := c.peer(from)
	switch m.Kind {
	case link.Raft:
		c.receiveRaft(from, p, m.Body)
	case link.Ask:
		var a ask
		if json.Unmarshal(m.Body, &a) == nil && a.Is.Self.ID == from {
			c.hear(p)
			c.receiveAsk(from, p, &a)
		}
	case link.Grant:
		var g grant
		if json.Unmarshal(m.Body, &g) == nil && g.Is.Self.ID == from {
			c.hear(p)
			c.receiveGrant(from, p, &g)
		}
	}
	c.note()
}

// post wraps a message of raft: the tag of this node's history goes before it.
func (c *Core) post(out *Output, m *raftpb.Message) {
	b, err := proto.MarshalOptions{}.MarshalAppend(binary.BigEndian.AppendUint64(nil, tag(c.forks)), m)
	if err != nil {
		panic(err) // raft made it
	}
	out.Messages = append(out.Messages, Letter{nodeID(m.GetTo()), link.Message{Kind: link.Raft, Body: b}})
}

func (c *Core) receiveRaft(from clustermap.NodeID, p *peer, b []byte) {
	if c.rn == nil || c.quarantined != "" || len(b) < 8 || !c.hears(p, binary.BigEndian.Uint64(b)) {
		return
	}
	var m raftpb.Message
	if proto.Unmarshal(b[8:], &m) != nil || m.GetFrom() != raftID(from) || m.GetTo() != raftID(c.cfg.Self.ID) || !c.sane(&m) {
		return
	}
	c.hear(p)
	if p.is != nil && p.is.Empty {
		p.is, p.empty = nil, never // what it said is out of date: only a node with a log sends this
	}
	c.yield(&m)
	c.step(&m)
}

// sane reports whether a message is one that nodes send each other, and one that raft can take.
func (c *Core) sane(m *raftpb.Message) bool {
	switch m.GetType() {
	case raftpb.MsgApp, raftpb.MsgAppResp, raftpb.MsgVote, raftpb.MsgVoteResp, raftpb.MsgPreVote, raftpb.MsgPreVoteResp, raftpb.MsgTimeoutNow:
		return true
	case raftpb.MsgHeartbeat:
		return m.GetCommit() <= c.last() // more would be of a log that this node has lost
	case raftpb.MsgHeartbeatResp:
		return len(m.GetContext()) == 0 || len(m.GetContext()) == 8
	case raftpb.MsgSnap:
		_, err := clustermap.Decode(m.GetSnapshot().GetData())
		return err == nil && len(m.GetSnapshot().GetMetadata().GetConfState().GetVoters()) > 0
	case raftpb.MsgProp:
		if c.rn.BasicStatus().RaftState != raft.StateLeader || len(m.GetEntries()) != 1 {
			return false
		}
		e := m.GetEntries()[0]
		_, _, err := decode(e)
		return e.GetType() == raftpb.EntryNormal && err == nil
	}
	return false
}

// step gives a message to raft. What raft calls a panic means that a log does not hold what it promised: the node stops.
func (c *Core) step(m *raftpb.Message) {
	defer func() {
		if r := recover(); r != nil {
			c.err = fmt.Errorf("message %s of node %d does not fit this node's log: %v", m.GetType(), nodeID(m.GetFrom()), r)
		}
	}()
	_ = c.rn.Step(m) // what it refuses it need not have
}
