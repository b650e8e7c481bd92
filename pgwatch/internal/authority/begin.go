package authority

import (
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// raft's names for nodes: zero means nobody there.
func raftID(id clustermap.NodeID) uint64 { return uint64(id) + 1 }
func nodeID(id uint64) clustermap.NodeID { return clustermap.NodeID(id) - 1 }

// A State is what was saved before.
type State struct {
	Hard        *raftpb.HardState
	Snapshot    *raftpb.Snapshot
	Entries     []*raftpb.Entry // after the Snapshot
	Quarantined string          // an Output's Quarantine
}

// New starts from what was saved, or as a new node when that is nothing.
func New(cfg Config, st State, now time.Duration) (*Core, error) {
	c := &Core{cfg: cfg.withDefaults(), now: now, elected: never, confirmed: never, peers: map[clustermap.NodeID]*peer{},
		sent: map[uint64]time.Duration{}, waiters: map[uint64]time.Duration{}, admitted: map[clustermap.NodeID]uint64{},
		campaignAt: never, reached: never, lost: clustermap.None, leader: clustermap.None, holder: clustermap.None, vip: VIP{Holder: clustermap.None}, dirty: true, askNow: true}
	c.hard, c.conf = &raftpb.HardState{}, &raftpb.ConfState{}
	c.peer(cfg.Self.ID)
	switch {
	case cfg.Boot == 0:
		return nil, fmt.Errorf("node %d has no boot number", cfg.Self.ID)
	case !slices.ContainsFunc(cfg.Nodes, func(n clustermap.Member) bool { return n.ID == cfg.Self.ID }):
		return nil, fmt.Errorf("node %d is not among the configured nodes", cfg.Self.ID)
	case raft.IsEmptyHardState(st.Hard) && raft.IsEmptySnap(st.Snapshot) && len(st.Entries) == 0:
		return c, nil
	}
	if err := c.restart(st); err != nil {
		return nil, err
	}
	c.quarantined = st.Quarantined
	c.careful = c.alone()
	return c, nil
}

// restart makes raft begin from what is, or is about to be, on disk.
func (c *Core) restart(st State) error {
	c.store, c.hard, c.rd = raft.NewMemoryStorage(), st.Hard, nil
	if !raft.IsEmptySnap(st.Snapshot) {
		if err := c.restore(st.Snapshot); err != nil {
			return err
		}
		if err := c.store.ApplySnapshot(st.Snapshot); err != nil {
			return err
		}
	}
	if err := c.store.Append(st.Entries); err != nil {
		return err
	}
	if err := c.store.SetHardState(st.Hard); err != nil {
		return err
	}
	election := int(c.cfg.Election / raftTick)
	if c.cfg.Self.Witness {
		election *= 2 // a node that may hold the address is to be first
	}
	var err error
	c.rn, err = raft.NewRawNode(&raft.Config{
		ID: raftID(c.cfg.Self.ID), ElectionTick: election, HeartbeatTick: max(int(c.cfg.Heartbeat/raftTick), 1), Storage: c.store,
		PreVote: true, CheckQuorum: true, MaxSizePerMsg: 256 << 10, MaxInflightMsgs: 64, StepDownOnRemoval: true, Logger: quiet{},
	})
	return err
}

// restore takes what a snapshot holds.
func (c *Core) restore(s *raftpb.Snapshot) error {
	m, err := clustermap.Decode(s.GetData())
	if err != nil {
		return fmt.Errorf("snapshot of the log: %w", err)
	}
	c.setMap(m)
	c.conf = s.GetMetadata().GetConfState()
	c.applied, c.appliedTerm = s.GetMetadata().GetIndex(), s.GetMetadata().GetTerm()
	c.snapped = c.applied
	return nil
}

// virgin reports whether this node has a log and has promised nothing in it.
func (c *Core) virgin() bool {
	return c.rn != nil && c.last() == 1 && c.hard.GetTerm() == 1 && c.hard.GetVote() == raft.None && len(c.forks) == 0
}

// begin makes a new node take part when nothing can be forgotten with it: when all configured nodes have told this
// process that they are as new as it is (or have promised nothing).
//
// A peer that said so once may since have gone on with others; that is no harm. What this node may have promised before
// its log was lost, it promised before it started, to a node that would have known it when asked.
func (c *Core) begin() {
	for _, id := range c.others() {
		if !c.peer(id).agreed {
			return
		}
	}
	var voters []uint64
	for _, n := range c.cfg.Nodes {
		voters = append(voters, raftID(n.ID))
	}
	slices.Sort(voters)
	c.found(clustermap.Map{Index: 1, Members: c.configured()}, 1, voters)
	c.campaignAt = c.now + time.Duration(c.rank())*stagger
	if len(voters) > 1 {
		c.campaignAt += stagger // the others found it as well, and need the last answers
	}
}

// configured are the members that every node's configuration names alike.
func (c *Core) configured() []clustermap.Member {
	var members []clustermap.Member
	for _, n := range c.cfg.Nodes {
		members = append(members, clustermap.Member{ID: n.ID, Host: n.Host, Port: n.Port})
	}
	slices.SortFunc(members, func(a, b clustermap.Member) int { return int(a.ID - b.ID) })
	return members
}

// found starts a log with a snapshot of m in that term.
func (c *Core) found(m clustermap.Map, term uint64, voters []uint64) {
	st := State{
		Hard: &raftpb.HardState{Term: &term, Vote: new(uint64(0)), Commit: &m.Index},
		Snapshot: &raftpb.Snapshot{Data: m.Encode(), Metadata: &raftpb.SnapshotMetadata{
			ConfState: &raftpb.ConfState{Voters: voters, AutoLeave: new(false)}, Index: &m.Index, Term: &term}},
	}
	if err := c.restart(st); err != nil {
		c.err = err
		return
	}
	c.save = &Save{Hard: st.Hard, Snapshot: st.Snapshot}
	c.dirty = true
}

// waiting says why this node takes no part.
func (c *Core) waiting() string {
	if c.rn != nil {
		return ""
	}
	for _, id := range c.others() {
		p := c.peer(id)
		switch {
		case p.agreed:
		case !c.alive(id) || p.is == nil:
			return fmt.Sprintf("this node has no log yet and waits for node %d", id)
		case p.problem != "":
			return p.problem
		case !p.is.Empty && !p.is.Virgin:
			return fmt.Sprintf("this node has no log and node %d has one: its leader must take this node in", id)
		}
	}
	return "this node has no log yet"
}

// quiet is the raft library's log. What it tells is in the View or in an error; what it calls a panic is one.
type quiet struct{}

func (quiet) Debug(...any)            {}
func (quiet) Debugf(string, ...any)   {}
func (quiet) Info(...any)             {}
func (quiet) Infof(string, ...any)    {}
func (quiet) Warning(...any)          {}
func (quiet) Warningf(string, ...any) {}
func (quiet) Error(...any)            {}
func (quiet) Errorf(string, ...any)   {}
func (quiet) Fatal(v ...any)          { panic(fmt.Sprint(v...)) }
func (quiet) Fatalf(f string, v ...any) {
	panic(fmt.Sprintf(f, v...))
}
func (quiet) Panic(v ...any) { panic(fmt.Sprint(v...)) }
func (quiet) Panicf(f string, v ...any) {
	panic(fmt.Sprintf(f, v...))
}
