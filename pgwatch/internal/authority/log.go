package authority

import (
	"encoding/json"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// An entry is what the log holds: a command, and whom its outcome concerns.
type entry struct {
	Node    clustermap.NodeID `json:"n"`
	Boot    uint64            `json:"b"`
	ID      uint64            `json:"id"`
	Command json.RawMessage   `json:"c"`
}

// last is the index of the last entry that is saved; lastTerm is its term.
func (c *Core) last() uint64 {
	i, _ := c.store.LastIndex() // MemoryStorage knows no errors here
	return i
}

func (c *Core) lastTerm() uint64 {
	t, _ := c.store.Term(c.last())
	return t
}

// ready hands out what raft has to do.
func (c *Core) ready(out *Output) {
	rd := c.rn.Ready()
	c.rd = &rd
	var s Save
	if !raft.IsEmptySnap(rd.Snapshot) {
		s.Snapshot = rd.Snapshot
		c.err = c.store.ApplySnapshot(rd.Snapshot)
	}
	if len(rd.Entries) > 0 {
		s.Entries = rd.Entries
		if err := c.store.Append(rd.Entries); err != nil {
			c.err = err
		}
	}
	if !raft.IsEmptyHardState(rd.HardState) {
		s.Hard, c.hard = rd.HardState, rd.HardState
		if err := c.store.SetHardState(rd.HardState); err != nil {
			c.err = err
		}
	}
	if s.Snapshot != nil || s.Entries != nil || s.Hard != nil {
		out.Save = &s
	}
	if c.quarantined == "" {
		for _, m := range rd.Messages {
			c.post(out, m)
		}
	}
}

// done goes on after what ready handed out has been saved and sent.
func (c *Core) done() {
	rd, led := c.rd, c.leads()
	c.rd = nil
	if len(rd.CommittedEntries) > 0 {
		c.planAt = 0
	}
	if !raft.IsEmptySnap(rd.Snapshot) {
		if c.err = c.restore(rd.Snapshot); c.err != nil {
			return
		}
	}
	for _, e := range rd.CommittedEntries {
		if c.err = c.apply(e); c.err != nil {
			return
		}
	}
	c.rn.Advance(*rd)
	for _, m := range rd.Messages {
		if m.GetType() == raftpb.MsgSnap {
			c.rn.ReportSnapshot(m.GetTo(), raft.SnapshotFinish) // probed, and sent again if it was lost
		}
	}
	c.note()
	if c.leads() {
		c.askNow = c.askNow || !led
		if len(rd.CommittedEntries) > 0 {
			c.admit()
			c.decide()
		}
	}
	for _, r := range rd.ReadStates {
		c.confirm(r.RequestCtx)
	}
	if c.applied >= c.snapped+uint64(c.cfg.KeepEntries) || c.newcomer {
		c.compact()
	}
}

// replayed reports whether this node has applied all that it knows to be decided: when it starts it has only a snapshot.
func (c *Core) replayed() bool { return c.applied >= c.hard.GetCommit() }

// apply does what the log has decided.
func (c *Core) apply(e *raftpb.Entry) error {
	c.applied, c.appliedTerm = e.GetIndex(), e.GetTerm()
	c.dirty = true
	switch e.GetType() {
	case raftpb.EntryConfChangeV2, raftpb.EntryConfChange:
		return c.applyConf(e)
	}
	if len(e.GetData()) == 0 {
		return nil
	}
	own, cmd, err := decode(e)
	if err != nil {
		return fmt.Errorf("entry %d of the log, perhaps of a newer version: %w", e.GetIndex(), err)
	}
	m, refused := c.m.Apply(e.GetIndex(), cmd)
	c.setMap(m)
	if own.Node == c.cfg.Self.ID && own.Boot == c.cfg.Boot {
		c.finish(own.ID, refused)
	}
	return nil
}

func decode(e *raftpb.Entry) (entry, clustermap.Command, error) {
	var own entry
	if err := json.Unmarshal(e.GetData(), &own); err != nil {
		return own, clustermap.Command{}, err
	}
	cmd, err := clustermap.DecodeCommand(own.Command)
	return own, cmd, err
}

func (c *Core) setMap(m clustermap.Map) {
	if len(m.Forced) != len(c.forks) {
		c.forks = forksOf(m.Forced)
	}
	c.askNow = c.askNow || m.Epoch != c.m.Epoch // routers wait for a lease of the new one
	c.m, c.dirty = m, true
}

// applyConf changes who votes. Every node refuses alike a change that would leave nobody.
func (c *Core) applyConf(e *raftpb.Entry) error {
	var cc raftpb.ConfChangeV2
	if err := proto.Unmarshal(e.GetData(), &cc); err != nil {
		return fmt.Errorf("change of voters in entry %d of the log: %w", e.GetIndex(), err)
	}
	c.joinID = 0
	for _, ch := range cc.GetChanges() {
		alone := slices.Equal(c.conf.GetVoters(), []uint64{ch.GetNodeId()})
		if alone && ch.GetType() != raftpb.ConfChangeAddNode {
			return nil
		}
	}
	c.conf = c.rn.ApplyConfChange(&cc)
	c.newcomer = true // raft takes no snapshot in which it is not named itself, so that an older one is of no use to it
	var a admission
	if len(cc.GetContext()) > 0 {
		if err := json.Unmarshal(cc.GetContext(), &a); err != nil {
			return fmt.Errorf("change of voters in entry %d of the log: %w", e.GetIndex(), err)
		}
		c.admitted[a.Node] = a.Boot
	}
	if c.leads() {
		for _, ch := range cc.GetChanges() {
			if id := nodeID(ch.GetNodeId()); id != c.cfg.Self.ID {
				c.deliver(id, c.newGrant(id)) // it has left, or is admitted
			}
		}
	}
	return nil
}

// compact puts a snapshot in the place of the entries that were applied.
func (c *Core) compact() {
	s, err := c.store.CreateSnapshot(c.applied, c.conf, c.m.Encode())
	if err == nil {
		err = c.store.Compact(c.applied)
	}
	if err != nil {
		c.err = err
		return
	}
	c.snapped, c.save, c.newcomer = c.applied, &Save{Snapshot: s}, false
}

func (c *Core) voters() []clustermap.NodeID {
	var ids []clustermap.NodeID
	for _, id := range c.conf.GetVoters() {
		ids = append(ids, nodeID(id))
	}
	slices.Sort(ids)
	return ids
}

func (c *Core) votes(id clustermap.NodeID) bool {
	return slices.Contains(c.conf.GetVoters(), raftID(id))
}
