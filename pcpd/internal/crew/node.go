package crew

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
)

// Status is the status of a backend by Pgpool-II's numbers.
type Status int

// The statuses. A server that is up waits until a client uses it.
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
	}
	return "down"
}

// A Node is a backend: what is configured, what was decided about it, and what it is.
type Node struct {
	config.Backend
	Status     Status
	Quarantine bool
	Primary    bool   // in the cluster
	PGStatus   string // of the server itself: up, down or unknown
	PGRole     string // primary, standby or unknown
	LagBytes   int64  // WAL that it has not replayed
	Lag        time.Duration
	RepState   string // of pg_stat_replication, such as streaming; "" for the primary
	SyncState  string // such as async
	Changed    time.Time
	Checks     *Checks // nil: nobody counts
}

// unknown is what is said of a server that nobody looks at.
const unknown = "unknown"

// Nodes returns the servers that are configured, by number. What was decided and seen comes from pgwatch, and from the router
// of this host whether clients have used a server; without pgwatch all comes from the router.
func (c Crew) Nodes(ctx context.Context) ([]Node, error) {
	nodes := make([]Node, 0, 2)
	for _, b := range c.Config.Backends() {
		nodes = append(nodes, Node{Backend: b, Status: Down, PGStatus: unknown, PGRole: unknown})
	}
	watched, err := c.watchStatus(ctx)
	if err != nil {
		if c.askRouter(ctx, nodes) == nil {
			return nodes, nil
		}
		return nil, err // pgwatch is the one to ask
	}
	for _, b := range watched.Backends {
		if n := find(nodes, b.ID); n != nil {
			n.see(b)
		}
	}
	if st, err := c.routerStatus(ctx); err == nil {
		for _, r := range st.Nodes {
			if n := find(nodes, r.ID); n != nil && n.Status == Up && r.Status == Waiting.String() {
				n.Status = Waiting
			}
		}
	}
	return nodes, nil
}

// find returns the node with the number, or nil.
func find(nodes []Node, id int) *Node {
	for i := range nodes {
		if nodes[i].ID == id {
			return &nodes[i]
		}
	}
	return nil
}

// see takes over what pgwatch says.
func (n *Node) see(b backend) {
	n.Status, n.Quarantine, n.Primary = b.PoolStatus, b.Quarantine, b.Role == "primary"
	n.PGStatus, n.PGRole = b.PGStatus, b.PGRole
	n.LagBytes, n.Lag = b.LagBytes, time.Duration(b.LagUS)*time.Microsecond
	n.RepState, n.SyncState, n.Changed, n.Checks = b.RepState, b.SyncState, b.Changed, b.Checks
}

// askRouter takes over what the router says.
func (c Crew) askRouter(ctx context.Context, nodes []Node) error {
	st, err := c.routerStatus(ctx)
	if err != nil {
		return err
	}
	shown, err := c.Show(ctx, "pool_nodes")
	if err != nil {
		return err
	}
	for _, r := range st.Nodes {
		if n := find(nodes, r.ID); n != nil {
			n.Status, n.Primary, n.LagBytes, n.Changed = status(r.Status), r.Role == "primary", r.LagBytes, r.Since
			n.Lag = time.Duration(r.LagMS * float64(time.Millisecond))
		}
	}
	for i := range nodes {
		n := &nodes[i]
		if row := shown.With("node_id", strconv.Itoa(n.ID)); row != nil {
			n.PGStatus, n.PGRole = shown.Get(row, "pg_status"), shown.Get(row, "pg_role")
			n.RepState, n.SyncState = shown.Get(row, "replication_state"), shown.Get(row, "replication_sync_state")
		}
	}
	return nil
}

// status reads the word.
func status(word string) Status {
	for s := Unused; s < Down; s++ {
		if strings.EqualFold(word, s.String()) {
			return s
		}
	}
	return Down
}
