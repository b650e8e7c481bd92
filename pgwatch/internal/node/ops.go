package node

import (
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// SocketName is the file name of pgwatch's control socket in run_directory.
const SocketName = "pgwatch.sock"

// The operations of the control socket. Any node takes them; those that decide are carried out by the leader.
const (
	OpStatus      = "status"        // Status
	OpFollow      = "follow"        // FollowArgs; events follow the answer
	OpReport      = "report"        // event.Event: what another tool did; it goes to all followers
	OpMishap      = "backend.error" // MishapArgs: what a client session met
	OpSwitchover  = "switchover"    // ChangeArgs; Changed
	OpFailover    = "failover"      // ChangeArgs; Changed
	OpAttach      = "node.attach"   // BackendArgs
	OpDetach      = "node.detach"   // DetachArgs
	OpRecover     = "recover"       // RecoverArgs; Recovered, when the server follows the primary and is attached
	OpPause       = "pause"         //
	OpResume      = "resume"        //
	OpVoterRemove = "voter.remove"  // VoterArgs
	OpForceQuorum = "force_quorum"  // on the node that is asked, never forwarded
	OpStop        = "crew.stop"     // StopArgs; the node that is asked sees to it, as with the two below
	OpReload      = "crew.reload"   // ScopeArgs
	OpRotate      = "crew.rotate"   // ScopeArgs
)

// FollowArgs says which events are wanted.
type FollowArgs struct {
	Types []string `json:"types,omitempty"` // patterns such as vip.*; none means all
}

// MishapArgs is an error of a server that a router of this host met.
type MishapArgs struct {
	Node int    `json:"node"`
	Err  string `json:"err,omitempty"`
}

// ChangeArgs asks for another primary.
type ChangeArgs struct {
	To        int  `json:"to"` // clustermap.None: the best one
	AllowLoss bool `json:"allow_loss,omitempty"`
}

// Changed says who is the primary now.
type Changed struct {
	Primary int    `json:"primary"`
	Epoch   uint64 `json:"epoch"`
}

// BackendArgs names a server.
type BackendArgs struct {
	Node   int    `json:"node"`
	Reason string `json:"reason,omitempty"`
}

// DetachArgs names a server to be taken out. Of the primary, that is a failover to the best standby.
type DetachArgs struct {
	Node     int    `json:"node"`
	Reason   string `json:"reason,omitempty"`
	Graceful bool   `json:"graceful,omitempty"` // wait until no session of any router uses it, at most recovery_timeout
}

// RecoverArgs asks for a server to be made a standby of the primary.
type RecoverArgs struct {
	Node   int    `json:"node"`
	Method string `json:"method,omitempty"` // of pgrecover run; "" is auto
}

// Recovered says how a server came back.
type Recovered struct {
	Node    int    `json:"node"`
	Primary int    `json:"primary"`
	Method  string `json:"method,omitempty"` // that was used
	Bytes   int64  `json:"bytes,omitempty"`  // that were copied
}

// The scopes of what is asked of the crew.
const (
	ScopeLocal   = "local" // the tools of this host
	ScopeCluster = "cluster"
)

// ScopeArgs says whom something is asked of.
type ScopeArgs struct {
	Scope string `json:"scope,omitempty"` // ScopeLocal, also when empty, or ScopeCluster
}

// StopArgs says how, and what, to stop.
type StopArgs struct {
	Mode  string `json:"mode,omitempty"`  // smart, also when empty, fast or immediate
	Scope string `json:"scope,omitempty"` // as in ScopeArgs
}

// VoterArgs names a member of the crew.
type VoterArgs struct {
	Node int `json:"node"`
}

// MemberStatus is a node in a Status.
type MemberStatus struct {
	ID      clustermap.NodeID `json:"id"`
	Name    string            `json:"name"`
	Self    bool              `json:"self,omitempty"`
	Leader  bool              `json:"leader,omitempty"`
	State   string            `json:"state"`          // alive, suspect, dead or left
	Role    string            `json:"role,omitempty"` // leader, follower or witness, as it says of itself in its heartbeats
	Voter   bool              `json:"voter"`
	Witness bool              `json:"witness,omitempty"`
	VIP     bool              `json:"vip,omitempty"` // it holds the virtual address

	// What pcp_watchdog_info shows, in its words.
	Host           string `json:"host"`
	WatchPort      int    `json:"wd_port"`
	RouterPort     int    `json:"pgpool_port"`
	Priority       int    `json:"priority"`
	PoolName       string `json:"pool_name"`      // host:pgpool_port OS name, or Not_Set
	WatchdogState  int    `json:"watchdog_state"` // such as 4
	StateName      string `json:"watchdog_state_name"`
	Membership     int    `json:"membership"` // such as 0
	MembershipName string `json:"membership_name"`
	DelegateIP     string `json:"delegate_ip"`
}

// WatchdogStatus is the crew as a whole in the words of pcp_watchdog_info.
type WatchdogStatus struct {
	Enabled       bool   `json:"enabled"`        // use_watchdog
	Remote        int    `json:"remote_nodes"`   // RemoteNodeCount
	RemoteMembers int    `json:"remote_members"` // MemberRemoteNodeCount
	RemoteAlive   int    `json:"remote_alive"`   // AliveNodeCount
	Required      int    `json:"required"`       // NodesRequireForQuorum
	Quorum        int    `json:"quorum"`         // QuorumStatus: 1, 0, -1, -2
	Escalated     bool   `json:"escalated"`      // this node holds the virtual address
	LeaderName    string `json:"leader_name"`    // or Not Set
	LeaderHost    string `json:"leader_host"`    // likewise
}

// BackendStatus is a server in a Status, as this node sees it.
type BackendStatus struct {
	ID       int    `json:"id"`
	Addr     string `json:"addr"`
	Status   string `json:"status"` // what was decided
	State    string `json:"state"`  // what is seen
	Role     string `json:"role"`
	Timeline uint32 `json:"timeline,omitempty"`
	LSN      string `json:"lsn,omitempty"`
	LagBytes *int64 `json:"lag_bytes,omitempty"`
	Upstream string `json:"upstream,omitempty"`
	Reason   string `json:"reason,omitempty"`

	Opinions map[string]string `json:"opinions,omitempty"` // how each node sees it, by name: what its probes say, as in report.Health

	// What pcp_node_info shows, in its words; whether a node is waiting or up, routers know.
	PoolStatus int       `json:"pool_status"` // 2 up, 3 down
	Quarantine bool      `json:"quarantine"`
	PGStatus   string    `json:"pg_status"` // up, down or unknown
	PGRole     string    `json:"pg_role"`   // primary, standby or unknown
	LagUS      *int64    `json:"lag_us,omitempty"`
	RepState   string    `json:"replication_state,omitempty"` // of pg_stat_replication
	SyncState  string    `json:"sync_state,omitempty"`
	Changed    time.Time `json:"status_changed"` // when what was decided about it last changed, or this pgwatch started

	Checks   *CheckStatus     `json:"health_check,omitempty"` // nil where this node does not look at servers
	Recovery *report.Recovery `json:"recovery,omitempty"`     // that runs, or the newest that ended
}

// CheckStatus counts how this node has asked a server whether it is well, as pcp_health_check_stats does. No check is ever skipped.
type CheckStatus struct {
	Total       uint64    `json:"total"`
	Success     uint64    `json:"success"`
	Fail        uint64    `json:"fail"`
	Retry       uint64    `json:"retry"`     // those made because the one before failed
	MaxRetry    uint64    `json:"max_retry"` // most of them in a row
	MaxMS       int64     `json:"max_ms"`    // of those that succeeded
	MinMS       int64     `json:"min_ms"`
	AverageMS   float64   `json:"average_ms"`
	Last        time.Time `json:"last,omitzero"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastFail    time.Time `json:"last_fail,omitzero"`
}

// Status is what a node knows.
type Status struct {
	Cluster  string               `json:"cluster"`
	Version  string               `json:"version"`
	Term     uint64               `json:"term"`
	Epoch    uint64               `json:"epoch"`
	Index    uint64               `json:"index"`
	Quorum   string               `json:"quorum"`
	ServeMS  int64                `json:"serve_ms"` // what is left of the lease under which routers of this host may write
	Members  []MemberStatus       `json:"members"`
	Backends []BackendStatus      `json:"backends"`
	Failover *clustermap.Failover `json:"failover,omitempty"`
	Last     *clustermap.Failover `json:"last_failover,omitempty"`
	Pause    *clustermap.Pause    `json:"pause,omitempty"`
	Problems []string             `json:"problems,omitempty"`
	Watchdog WatchdogStatus       `json:"watchdog"`
}
