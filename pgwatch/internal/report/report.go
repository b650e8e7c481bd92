// Package report is what the nodes of a crew and their leader tell each other between decisions: what each node sees,
// and what the leader wants done where.
//
// A node asks the leader for leases a few times within one, and sends its Report along. The leader answers with a
// Grant: leases, and the Orders that stand for this node. Orders say what is to be, not what is to be done next; they
// are repeated until the reports show that it is so. Nothing is lost when a message is.
package report

import (
	"time"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// A Report is what one node sees.
type Report struct {
	Node     clustermap.NodeID `json:"node"`
	Epoch    uint64            `json:"epoch"`              // the newest that it knows
	Backends []Backend         `json:"backends,omitempty"` // its view of every backend; a witness has none
	Local    []Local           `json:"local,omitempty"`    // of the backends on its own host
	Arbiters string            `json:"arbiters,omitempty"` // of trusted_servers: "", reached or lost
	Hooks    []HookDone        `json:"hooks,omitempty"`    // that ended on this node: the newest 32

	Recoveries []Recovery `json:"recoveries,omitempty"` // that this node runs, and of each backend the newest that ended
}

// A Health is how a backend looks to one observer.
type Health string

// The healths of a backend. Only Refused, Silent and Gone speak against it; Refused alone proves nothing.
const (
	Well     Health = "well"     // it answers
	Starting Health = "starting" // 57P03: in start-up or crash recovery
	Stopping Health = "stopping" // 57P01 to 57P03 with the words of a shutdown
	Full     Health = "full"     // 53300: it is there and takes no more connections
	Denied   Health = "denied"   // it is there and does not let the checker in
	Refused  Health = "refused"  // nothing listens, or the connection was reset
	Silent   Health = "silent"   // no answer in time
	Unseen   Health = "unseen"   // not looked at yet
)

// Lives reports whether the server showed any sign of life.
func (h Health) Lives() bool {
	return h == Well || h == Starting || h == Stopping || h == Full || h == Denied
}

// A Backend is what an observer saw of a server, the newest that it knows of each member.
type Backend struct {
	ID       int           `json:"id"`
	Health   Health        `json:"health"`
	For      time.Duration `json:"for"`           // how long it has looked like that
	Quiet    time.Duration `json:"quiet"`         // since it last gave any answer
	Fails    int           `json:"fails"`         // failed probes in a row
	Err      string        `json:"err,omitempty"` // of the last probe
	Standby  bool          `json:"standby,omitempty"`
	Name     string        `json:"name,omitempty"`  // of a standby: application_name of its receiver
	SystemID string        `json:"sysid,omitempty"` // "" when it has not told
	Timeline uint32        `json:"timeline,omitempty"`
	LSN      uint64        `json:"lsn,omitempty"`      // of a primary written, of a standby replayed
	Received uint64        `json:"received,omitempty"` // of a standby: flushed to its disk
	Upstream string        `json:"upstream,omitempty"` // of a standby: host:port that its receiver streams from; "" when it does not
	Lag      time.Duration `json:"lag,omitempty"`      // replay lag as the standby sees it
	Paused   bool          `json:"paused,omitempty"`   // replay is paused
	Syncs    []Sync        `json:"syncs,omitempty"`    // of a primary: its standbys
	SyncSet  string        `json:"syncset,omitempty"`  // of a primary: synchronous_standby_names
}

// A Sync is a row of a primary's pg_stat_replication.
type Sync struct {
	Name  string `json:"name"`  // application_name
	Addr  string `json:"addr"`  // client_addr
	State string `json:"state"` // streaming, catchup, ...
	Sync  string `json:"sync"`  // sync, quorum, potential or async
	Flush uint64 `json:"flush"`
}

// A Postmaster is what the process table of a backend's own host says.
type Postmaster = postmaster.Presence

// The states of a postmaster, as package postmaster explains them.
const (
	Runs    = postmaster.Runs
	Orphans = postmaster.Orphans
	Dead    = postmaster.Dead
	Unknown = postmaster.Unknown
)

// A Local is what a node knows of a backend on its own host.
type Local struct {
	ID         int        `json:"id"`
	Postmaster Postmaster `json:"postmaster"`
	Stopped    bool       `json:"stopped,omitempty"`   // stopped, not fallen: pg_control says "shut down"
	Standby    bool       `json:"standby,omitempty"`   // it is dead, and was a standby
	Ran        bool       `json:"ran,omitempty"`       // the node has seen it run: when it is dead now, it is not merely yet to be started
	Promised   uint64     `json:"promised,omitempty"`  // it will not obey an epoch below this one; kept on disk
	Recruited  uint64     `json:"recruited,omitempty"` // for that epoch its receiver has ended
	Promoted   uint64     `json:"promoted,omitempty"`  // for that epoch it was made the primary
	Follows    uint64     `json:"follows,omitempty"`   // in that epoch it was made to follow the primary
	Fenced     uint64     `json:"fenced,omitempty"`    // it takes no writes below that epoch: stopped, with nothing left
	Timeline   uint32     `json:"timeline,omitempty"`  // of the end of its WAL; as End
	End        uint64     `json:"end,omitempty"`       // where its WAL on disk ends: read after the receiver of a recruited standby ended, or after a stop
	Err        string     `json:"err,omitempty"`       // of the newest order that failed
	ErrOrder   string     `json:"err_order,omitempty"` // which
}

// A HookDone says how a configured command ended.
type HookDone struct {
	ID  string `json:"id"`
	Err string `json:"err,omitempty"`
}

// A Recovery makes a backend a standby of the primary again. The node that runs it tells of it: the leader may change meanwhile.
type Recovery struct {
	ID      string  `json:"id"` // of the order; each runs once
	Backend int     `json:"backend"`
	To      int     `json:"to"`               // the primary
	Epoch   uint64  `json:"epoch"`            // of the order: another one that is promised meanwhile ends the recovery
	Since   uint64  `json:"since"`            // index of the Map that it was decided on
	By      string  `json:"by,omitempty"`     // who asked for it
	Method  string  `json:"method,omitempty"` // as asked for, then as used
	Step    string  `json:"step,omitempty"`   // of pgrecover, the newest
	Bytes   int64   `json:"bytes,omitempty"`  // copied so far
	Total   int64   `json:"total,omitempty"`
	Percent float64 `json:"percent,omitempty"`
	Done    bool    `json:"done,omitempty"`
	Refused bool    `json:"refused,omitempty"` // with Err: nothing was touched
	Err     string  `json:"err,omitempty"`

	Discarded Discarded `json:"discarded,omitzero"`
}

// Discarded is WAL that only a backend had, and that its recovery throws away. Its zero value is none.
type Discarded struct {
	Bytes int64  `json:"bytes"`
	From  string `json:"from"` // as PostgreSQL writes places
	To    string `json:"to"`
	Saved string `json:"saved"` // the directory on the backend's host that has it
}

// An Op is what an Order demands.
type Op string

// The orders.
const (
	DoFence   Op = "fence"   // the backend on your host must not write: stop it at once, leave no process
	DoStop    Op = "stop"    // stop it in order (switchover), then it is fenced
	DoRecruit Op = "recruit" // promise the epoch, end the receiver, tell the positions
	DoPromote Op = "promote" // make it the primary of the epoch
	DoFollow  Op = "follow"  // make it follow backend To of the epoch
	DoStart   Op = "start"   // the failover that fenced it was given up: it is the primary still, let it run
	DoHook    Op = "hook"    // run a configured command, once
	DoRecover Op = "recover" // make it a standby of backend To by pgrecover run, once
)

// An Order is what the leader wants done on one node.
type Order struct {
	Op      Op                `json:"op"`
	Backend int               `json:"backend"`
	Epoch   uint64            `json:"epoch"` // an order of a lower epoch than the promised one is refused
	To      int               `json:"to,omitempty"`
	Hook    string            `json:"hook,omitempty"` // name of the parameter, such as failover_command
	ID      string            `json:"id,omitempty"`   // of a hook or a recovery: it runs once for each
	Vars    map[string]string `json:"vars,omitempty"` // of a hook: its placeholders, by letter

	Method string `json:"method,omitempty"` // of a recovery
	End    bool   `json:"end,omitempty"`    // of a recovery: it was given up, and is to end if it runs
	Since  uint64 `json:"since,omitempty"`  // of a recovery, as in Recovery
	By     string `json:"by,omitempty"`     // of a recovery: who asked for it
}

// A Grant is the leader's answer to a Report.
type Grant struct {
	Term   uint64        `json:"term"`
	Epoch  uint64        `json:"epoch"`
	Serve  time.Duration `json:"serve,omitempty"` // routers may write in Epoch, from the asking on; 0: they may not
	VIP    time.Duration `json:"vip,omitempty"`   // the node may hold the virtual address
	Token  uint64        `json:"token,omitempty"` // of the virtual address; a higher one ends all lower ones
	Orders []Order       `json:"orders,omitempty"`

	Recoveries []Recovery `json:"recoveries,omitempty"` // of all nodes, for those who ask this one
}
