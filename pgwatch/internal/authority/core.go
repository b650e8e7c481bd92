// Package authority decides who leads a crew of nodes, keeps what they have decided, and says who may act.
//
// Core is a pure state machine: raft (go.etcd.io/raft), the cluster map that its log makes, and leases. Time and
// messages come in, what is to be saved and sent goes out, so that a simulation can run it through thousands of
// faults. Raft drives a Core with a clock, package wal and package link.
//
// What safety rests on:
//   - A lease counts from the moment its request was sent, and is granted only after a majority has said, after the
//     request came, that the leader still leads (raft's ReadIndex). So every lease of a leader was asked for before its
//     successor was elected, and a new leader knows from its own election when they are all over.
//   - A node without a log might have forgotten what it promised. It neither votes nor confirms until all configured
//     nodes have told it that they are as new as it is, or a leader has taken its vote away and admitted it anew.
//   - A node that goes on without a majority writes that into the Map. Nodes tell each other those records; no raft
//     message passes between two histories unless one is the beginning of the other.
package authority

import (
	"errors"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/link"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A Core is the authority of one node, without a clock and without I/O. It is used by one goroutine.
//
// Every method that takes now expects the time since boot, which never goes back. After each of them the owner calls
// Next until there is nothing to do.
type Core struct {
	cfg     Config
	now     time.Duration
	watched time.Duration // sum of the time that passed between calls, without gaps in which the process was held up
	gap     time.Duration // now: when the last of these gaps ended
	ticks   time.Duration // watched: up to here raft knows of time
	err     error

	rn          *raft.RawNode // nil while this node has no log
	store       *raft.MemoryStorage
	hard        *raftpb.HardState // as saved, or about to be in the Output that Next returned
	rd          *raft.Ready       // being saved and sent
	save        *Save             // to be saved before anything else of raft
	keep        string            // a quarantine to be kept
	conf        *raftpb.ConfState
	m           clustermap.Map
	forks       []fork // of m
	applied     uint64
	appliedTerm uint64
	snapped     uint64
	newcomer    bool // the voters or learners are others than the snapshot says

	peers   map[clustermap.NodeID]*peer
	letters []Letter
	results []Result
	dirty   bool // the View changed
	report  report.Report
	reached time.Duration // watched: since when it says that an arbiter is; never

	term    uint64            // as raft has it
	leader  clustermap.NodeID // likewise
	leading bool              // this node is raft's leader
	without time.Duration     // watched: since when there is no leader

	// As one that asks.
	askNow  bool
	askAt   time.Duration
	asks    uint64                   // sent so far
	sent    map[uint64]time.Duration // asks, by Seq
	told    told
	serve   Serve
	vip     VIP
	orders  []report.Order
	leaving bool
	left    bool

	recoveries []report.Recovery

	// As the leader.
	elected   time.Duration
	confirmed time.Duration // watched: when a majority last confirmed
	reads     []read
	readNo    uint64
	grants    uint64
	plan      Plan
	planAt    time.Duration
	holder    clustermap.NodeID
	turn      uint64        // of the address, counts its holders in this term
	handAt    time.Duration // when this node tried last to hand over its leadership

	waiters  map[uint64]time.Duration     // proposals: until when
	ownID    uint64                       // of the newest proposal of the Core's own
	planID   uint64                       // the Plan's command that is on its way
	joinID   uint64                       // the change of a member or of the voters that is on its way
	joinAt   time.Duration                // until when
	admitted map[clustermap.NodeID]uint64 // by boot number

	campaignAt  time.Duration
	lost        clustermap.NodeID // the leader that is gone
	careful     bool              // this node was left with half of the votes before it stopped: it must hear of the others first
	force       string            // why to go on without the others
	forceBy     string
	forceWith   []uint64
	quarantined string
}

// An Output is what the owner of a Core has to do, in this order: save, send, deliver.
type Output struct {
	Save       *Save    // must be durable before Messages are sent
	Quarantine string   // to be kept as well, when it is not empty: this node is not to take part when it starts again
	Messages   []Letter // each may be lost
	Results    []Result
	View       *View // the new one, when something changed
	Err        error // the node cannot go on and must stop; nothing else is set
}

// Save is what has to be kept, as wal.Log.Save takes it.
type Save struct {
	Hard     *raftpb.HardState
	Entries  []*raftpb.Entry
	Snapshot *raftpb.Snapshot
}

// A Letter is a message for another node.
type Letter struct {
	To clustermap.NodeID
	link.Message
}

// A Result is how a proposal ended.
type Result struct {
	ID  uint64 // that Propose was given
	Rev clustermap.Rev
	Err error
}

// Errors of proposals. Others come from clustermap.Map.Apply.
var (
	ErrNoLeader = errors.New("there is no leader")
	ErrUnsure   = errors.New("no answer in time; it may have been done or may still be, look at the map")
)

// clock lets time pass.
func (c *Core) clock(now time.Duration) {
	d := now - c.now
	if d <= 0 {
		return
	}
	c.now = now
	if d > c.cfg.Election/2 {
		d = raftTick
		c.gap = now
	}
	c.watched += d
}

// Tick lets time pass; call it about each 20 ms.
func (c *Core) Tick(now time.Duration) {
	c.clock(now)
	for ; c.ticks+raftTick <= c.watched; c.ticks += raftTick {
		c.tickRaft()
	}
	c.expire()
	if c.rn == nil {
		c.begin()
	}
	if c.now >= c.askAt {
		c.askNow = true
	}
	if c.campaignAt != never && c.now >= c.campaignAt {
		c.campaign()
	}
	if c.quarantined != "" {
		return
	}
	c.judgeHalf()
	if c.leads() {
		c.admit()
		c.handOver()
		c.decide()
	}
}

func (c *Core) tickRaft() {
	switch {
	case c.rn == nil || c.quarantined != "":
	case c.careful:
		if c.careful = c.alone() && !c.knowsAlone(); c.careful {
			return
		}
		fallthrough
	default:
		c.rn.Tick()
		c.note()
	}
}

// Report takes what this node sees now. If it is urgent the leader is told at once.
func (c *Core) Report(now time.Duration, r report.Report, urgent bool) {
	c.clock(now)
	switch {
	case r.Arbiters != reached:
		c.reached = never
	case c.reached == never:
		c.reached = c.watched
	}
	c.report = r
	c.askNow = c.askNow || urgent
}

// Next returns what is to be done now, and false when that is nothing. The call says also that everything that it
// returned before has been done.
func (c *Core) Next(now time.Duration) (Output, bool) {
	c.clock(now)
	if c.err == nil && c.rd != nil {
		c.done()
	}
	if c.err == nil && c.force != "" && (c.rn == nil || !c.rn.HasReady()) {
		c.goOn()
	}
	if c.askNow && c.err == nil && c.replayed() {
		c.askNow = false
		c.ask()
	}
	if c.err != nil {
		return Output{Err: c.err}, true
	}
	var out Output
	switch {
	case c.save != nil:
		out.Save, c.save = c.save, nil
	case c.rn != nil && c.rn.HasReady():
		c.ready(&out)
		if c.err != nil {
			return Output{Err: c.err}, true
		}
	}
	out.Messages, c.letters = append(out.Messages, c.letters...), nil
	out.Results, c.results = c.results, nil
	out.Quarantine, c.keep = c.keep, ""
	if c.dirty {
		c.dirty = false
		v := c.view()
		out.View = &v
	}
	return out, c.rd != nil || out.Save != nil || len(out.Messages) > 0 || len(out.Results) > 0 || out.Quarantine != "" || out.View != nil
}
