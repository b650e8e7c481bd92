// Package admin answers the statements that Pgpool-II answers itself instead of a server: SHOW POOL_NODES and its
// siblings, and PGPOOL SHOW, SET and RESET, in the simple and in the extended protocol.
//
// Columns and formats are those of Pgpool-II 4.3. All columns are text, since a value that does not exist is an empty
// string there and never NULL; only the type says so (OID 25), where Pgpool-II sends 0.
package admin

import (
	"context"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
)

// World is what the statements show. The router's core implements it; the methods are called from any goroutine.
type World interface {
	Config() *config.Config // the one in force; it is not changed
	Map() *cluster.Map
	Sessions(ctx context.Context) []Session
	Pools(ctx context.Context) []Pool
	NodeStats() []NodeStats
	Health() []cluster.HealthStats
	Version() string // such as "pgrouter 1.0"
}

// Cacher is a World with a query cache. Without one SHOW POOL_CACHE prints what Pgpool-II prints when it is off.
type Cacher interface {
	Cache() CacheStats
}

// The words for what a session does, as Pgpool-II has them.
const (
	Waiting           = "Wait for connection"
	Idle              = "Idle"
	IdleInTransaction = "Idle in transaction"
	Executing         = "Execute command"
)

// Session is a row of SHOW POOL_PROCESSES: one client session, where Pgpool-II has a process. What is not known is left
// empty.
type Session struct {
	PID         uint32    // as in the client's BackendKeyData
	Start       time.Time // of the session
	Clients     int       // clients that were served before by the same place; 0 where sessions have no places
	Database    string
	User        string
	Connected   time.Time // to its server
	PoolCounter int       // how many clients used the server connection
	State       string    // one of the words above
}

// Pool is a row of SHOW POOL_POOLS: one server connection, in use or kept. What is not known is left empty.
type Pool struct {
	PID          uint32    // of the client session that uses it, or of the place that keeps it
	Start        time.Time // of that
	Clients      int       // as in Session
	PoolID       int       // counts the connections of one PID
	BackendID    int       // the node
	Database     string
	User         string
	Connected    time.Time     // to the server
	ClientCame   time.Time     // the last client
	ClientLeft   time.Time     // zero while it is there
	ClientIdle   time.Duration // since the client's last statement
	Major, Minor int           // of the frontend protocol, such as 3 and 0
	Counter      int           // how many clients used this connection
	BackendPID   uint32        // the server's process
	InUse        bool          // a client has it now
	State        string        // one of the words above
}

// NodeStats is a row of SHOW POOL_BACKEND_STATS: statements sent to a node, and errors it sent, since the start.
type NodeStats struct {
	NodeID                                         int
	Selects, Inserts, Updates, Deletes, DDL, Other uint64
	Panics, Fatals, Errors                         uint64
}

// CacheStats is the row of SHOW POOL_CACHE. Sizes are in bytes.
type CacheStats struct {
	Hits, Selects                       uint64
	HashEntries, UsedHashEntries        uint64
	Entries                             uint64
	UsedBytes, FreeBytes, FragmentBytes uint64
}
