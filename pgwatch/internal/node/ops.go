package node

import (
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
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
	OpDetach      = "node.detach"   // BackendArgs
	OpPause       = "pause"         //
	OpResume      = "resume"        //
	OpVoterRemove = "voter.remove"  // VoterArgs
	OpForceQuorum = "force_quorum"  // on the node that is asked, never forwarded
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
}
