// Package clustermap is what the nodes of a crew have agreed on: which backend is the primary, in which epoch, what
// operators decided, and how far a failover has come.
//
// A Map changes only by commands that went through the replicated log. Apply is a pure function, so that every
// node that has applied the same commands holds the same Map. What is merely observed (health, positions, lag) is not
// in it.
package clustermap

import (
	"encoding/json"
	"slices"
	"time"
)

// NodeID is the number of a node of the crew: its pgpool_node_id.
type NodeID int

// None is the backend or node that is not there.
const None = -1

// A Map is one state of the cluster. It is a value: Apply makes a new one, and nobody changes what is published.
type Map struct {
	Cluster  string    `json:"cluster,omitempty"` // random; nodes of different clusters do not talk
	Index    uint64    `json:"idx"`               // of the last command that was applied
	Epoch    uint64    `json:"epoch"`             // generation of the primary; 0 before the first
	Promised uint64    `json:"promised"`          // the highest epoch that any failover was to open; never used again
	Primary  *Primary  `json:"primary,omitempty"` // of Epoch; nil before the first
	Members  []Member  `json:"members,omitempty"`
	Backends []Backend `json:"backends,omitempty"`
	Failover *Failover `json:"failover,omitempty"` // under way
	Last     *Failover `json:"last,omitempty"`     // the newest that ended
	Pause    *Pause    `json:"pause,omitempty"`
	Forced   []Forced  `json:"forced,omitempty"` // oldest first
}

// Primary is who takes the writes of an epoch.
type Primary struct {
	Backend  int       `json:"backend"`
	SystemID string    `json:"sysid,omitempty"`
	Timeline uint32    `json:"timeline,omitempty"`
	LSN      uint64    `json:"lsn,omitempty"` // where its timeline began
	Since    time.Time `json:"since,omitzero"`
	Sync     *Sync     `json:"sync,omitempty"` // who else has each commit that it acknowledged; nil: nobody has to
}

// Sync is what synchronous_standby_names of a primary says, in backends. A leader that never heard the primary needs it
// to know whose data is complete.
type Sync struct {
	Num      int   `json:"num"`              // so many of them confirm each commit
	Backends []int `json:"backends"`         // in the order of their numbers
	Others   int   `json:"others,omitempty"` // that receive under a name of the list and are no backends
}

// A Member is a node of the crew.
type Member struct {
	ID       NodeID `json:"id"`
	Host     string `json:"host"`
	Port     int    `json:"port"`               // of the other nodes, wd_port
	Router   int    `json:"router,omitempty"`   // of clients, pgpool_port
	Priority int    `json:"priority,omitempty"` // wd_priority: the higher one leads
	Witness  bool   `json:"witness,omitempty"`  // votes only
	System   string `json:"system,omitempty"`   // what uname says: name of the system and of the host
	Left     bool   `json:"left,omitempty"`     // stopped on purpose; it has no vote until it is back
}

// A Status is what was decided about a backend, not what is seen of it.
type Status string

// The statuses of a backend.
const (
	Attached    Status = "attached"    // it takes part when it is well
	Down        Status = "down"        // found dead; comes back by itself when auto_failback allows
	Detached    Status = "detached"    // an operator's wish; only an operator undoes it
	Quarantined Status = "quarantined" // its history is another one: no sessions, no promotion
)

// A Backend is a PostgreSQL server.
type Backend struct {
	ID     int       `json:"id"` // its number in pgpool.conf
	Host   string    `json:"host"`
	Port   int       `json:"port"`
	Status Status    `json:"status"`
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty"` // who decided: a node, or an operator's user name
	At     time.Time `json:"at,omitzero"`
	Since  uint64    `json:"since,omitempty"` // index of that decision
	Led    uint64    `json:"led,omitempty"`   // the newest epoch in which it was the primary; 0 once it has been attached as a standby
}

// decide sets the Status.
func (b *Backend) decide(s Status, reason, by string, at time.Time, index uint64) {
	b.Status, b.Reason, b.By, b.At, b.Since = s, reason, by, at, index
}

// Pause says that decisions are left to people.
type Pause struct {
	By    string    `json:"by"`
	Since time.Time `json:"since,omitzero"`
}

// Forced records that a node went on without a majority.
type Forced struct {
	Node   NodeID    `json:"node"`
	From   uint64    `json:"from"` // the index that both histories share at most
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// Backend returns the backend with that number, or nil.
func (m *Map) Backend(id int) *Backend {
	for i := range m.Backends {
		if m.Backends[i].ID == id {
			return &m.Backends[i]
		}
	}
	return nil
}

// Member returns the node with that number, or nil.
func (m *Map) Member(id NodeID) *Member {
	for i := range m.Members {
		if m.Members[i].ID == id {
			return &m.Members[i]
		}
	}
	return nil
}

// PrimaryID is the backend that takes writes in the present epoch, or None.
func (m *Map) PrimaryID() int {
	if m.Primary == nil {
		return None
	}
	return m.Primary.Backend
}

// Clone returns a copy that shares nothing.
func (m *Map) Clone() Map {
	c := *m
	c.Members, c.Backends, c.Forced = slices.Clone(m.Members), slices.Clone(m.Backends), slices.Clone(m.Forced)
	c.Primary, c.Pause = m.Primary.clone(), clone(m.Pause)
	c.Failover, c.Last = m.Failover.clone(), m.Last.clone()
	return c
}

func (p *Primary) clone() *Primary {
	c := clone(p)
	if c != nil && c.Sync != nil {
		c.Sync = clone(c.Sync)
		c.Sync.Backends = slices.Clone(c.Sync.Backends)
	}
	return c
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// Encode returns the Map as a snapshot of the log keeps it.
func (m *Map) Encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // every member is a plain value
	}
	return b
}

// Decode reads what Encode wrote.
func Decode(b []byte) (Map, error) {
	var m Map
	err := json.Unmarshal(b, &m)
	return m, err
}
