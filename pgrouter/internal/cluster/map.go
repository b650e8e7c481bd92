// Package cluster is the seam between the router and whoever knows the state of the PostgreSQL cluster: which servers
// there are, which may get sessions, and which one takes writes.
//
// Standalone finds that out by asking the servers themselves.
package cluster

import (
	"time"

	"github.com/pgcrew/pgcrew/common/probe"
)

// Role is what a server is in the cluster.
type Role uint8

// The roles of a server.
const (
	Unknown Role = iota
	Primary
	Standby
)

// String returns the word that SHOW POOL_NODES prints.
func (r Role) String() string {
	switch r {
	case Primary:
		return "primary"
	case Standby:
		return "standby"
	default:
		return "unknown"
	}
}

// Status is a backend's status with Pgpool-II's codes.
type Status uint8

// The statuses. Waiting and Up differ only in whether a client session has used the node since it came.
const (
	Unused  Status = 0
	Waiting Status = 1
	Up      Status = 2
	Down    Status = 3
)

// String returns the word that SHOW POOL_NODES prints.
func (s Status) String() string {
	switch s {
	case Unused:
		return "unused"
	case Waiting:
		return "waiting"
	case Up:
		return "up"
	default:
		return "down"
	}
}

// Node is what is known of one backend. Texts are empty where nothing is known.
type Node struct {
	ID              int
	Host            string // as configured
	Port            int
	Weight          float64 // the share of reads, 0..1; all weights add up to 1
	ApplicationName string
	DataDirectory   string

	Status Status
	Up     bool // it may get sessions now; never true while Status is Down
	Fenced bool // sessions that have a transaction there must not go on: another server may take writes now
	Role   Role // its part in this cluster: a second primary is a Standby here

	PGStatus         string // what the server itself shows: up, down or unknown
	PGRole           Role
	LagBytes         int64         // WAL that the primary has written and this standby has not replayed
	LagTime          time.Duration // the primary's replay_lag for this standby
	ReplicationState string        // of pg_stat_replication, such as streaming
	SyncState        string        // of pg_stat_replication, such as async
	Since            time.Time     // when Status changed last

	Network string // what to dial: tcp and host:port, or unix and a path
	Address string

	Err string // why it is not Up, or what keeps us from knowing more
}

// TCP returns host:port, or "" when the configured host is the folder of a Unix socket. It is the way to a server
// whose socket, at Address, does not let a user in because its pg_hba.conf treats local users otherwise.
func (n *Node) TCP() string {
	if probe.IsFolder(n.Host) {
		return ""
	}
	_, address := probe.Address(n.Host, n.Port)
	return address
}

// Place is a configured address. It tells apart servers that have the same number one after the other.
type Place struct {
	Host string
	Port int
}

// Place is where the node is.
func (n *Node) Place() Place { return Place{n.Host, n.Port} }

// Map is the state of the cluster at one time. It is never changed once it is published; a newer one replaces it.
type Map struct {
	// Epoch grows when another server than the last one became the primary. A server connection that was opened in an
	// earlier epoch must not be handed out again.
	Epoch   uint64
	Primary int // ID of the node that takes writes and is up; -1 when there is none now
	Nodes   []Node
}

// Node returns the node with an ID, or nil. IDs may have gaps.
func (m *Map) Node(id int) *Node {
	if id >= 0 && id < len(m.Nodes) && m.Nodes[id].ID == id {
		return &m.Nodes[id]
	}
	for i := range m.Nodes {
		if m.Nodes[i].ID == id {
			return &m.Nodes[i]
		}
	}
	return nil
}

// Cluster is what the router asks of whoever knows the cluster. All methods may be called from any goroutine.
type Cluster interface {
	// Map returns the newest state. It is one atomic load.
	Map() *Map
	// Report says that a session or a dialer met an error of a node's server. The node is looked at at once; a report
	// alone changes nothing. It never blocks, and reports of one node that come in a burst are one.
	Report(node int, err error)
	// Used says that a client session uses the node for the first time: its status goes from Waiting to Up.
	Used(node int)
	// Subscribe calls f with the present Map before it returns, and then with every new one, one call at a time and in
	// order. f must not block, and must not call Subscribe or cancel. After cancel has returned f is not called any more.
	Subscribe(f func(*Map)) (cancel func())
}
