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
//     nodes have told it that they are as new as it is, or a leader has taken its vote away and given it a new one.
//   - A node that goes on without a majority writes that into the Map. Nodes tell each other those records; where one
//     has records that the other lacks, no raft message passes unless the other's history is the beginning of it.
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
type Core struct{}

// A State is what was saved before.
type State struct {
	Hard        *raftpb.HardState
	Snapshot    *raftpb.Snapshot
	Entries     []*raftpb.Entry
	Quarantined string
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

// New starts from what was saved, or as a new node when that is nothing.
func New(cfg Config, st State, now time.Duration) (*Core, error) { panic("being built") }

// Tick lets time pass; call it about each 20 ms.
func (c *Core) Tick(now time.Duration) {}

// Receive takes a message of the kinds Raft, Ask and Grant. One that is damaged or not meant for this node is dropped.
func (c *Core) Receive(now time.Duration, from clustermap.NodeID, m link.Message) {}

// Up says that messages reach a peer.
func (c *Core) Up(now time.Duration, peer clustermap.NodeID) {}

// Gone says that the process of a peer has ended. If it led, another one is elected at once.
func (c *Core) Gone(now time.Duration, peer clustermap.NodeID) {}

// Report takes what this node sees now. If it is urgent the leader is told at once.
func (c *Core) Report(now time.Duration, r report.Report, urgent bool) {}

// Propose wants a command in the log. A Result with that id follows, on a node that does not lead as well.
func (c *Core) Propose(now time.Duration, id uint64, cmd clustermap.Command) {}

// Resign hands the leadership to another voter: to, or the best one if to is clustermap.None. It does nothing on a
// node that does not lead; whether it worked is in the View.
func (c *Core) Resign(now time.Duration, to clustermap.NodeID) {}

// Leave gives up leadership and vote, for a node that is about to stop. View.Left tells when it is done. The last voter
// stays one.
func (c *Core) Leave(now time.Duration) {}

// Force goes on without the other voters: an operator's word that they are dead or must not decide any more. On a node
// without a log it founds the cluster alone.
func (c *Core) Force(now time.Duration, by string) {}

// Next returns what is to be done now, and false when that is nothing. The call says also that everything that it
// returned before has been done.
func (c *Core) Next(now time.Duration) (Output, bool) { return Output{}, false }

var _ = raft.None
