package client

import (
	"fmt"
	"strconv"
	"time"

	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// A Node is a PostgreSQL server as the PCP server knows it.
type Node struct {
	Layout     Layout // of the reply; fields that it has not are empty
	Host       string
	Port       int64
	Status     int64 // 0 unused, 1 waiting, 2 up, 3 down
	Quarantine bool
	PgStatus   string // up, down or unknown; since 4.3
	Weight     float64
	Role       int64  // 0 main, 1 replica, 2 primary, 3 standby
	PgRole     string // primary, standby or unknown; since 4.3
	TimeDelay  bool   // Delay is in microseconds, not bytes; since 4.4
	Delay      int64
	State      string // of the replication, from pg_stat_replication
	SyncState  string
	Changed    time.Time // when Status did
}

// The numbers of fields that tell the layouts of a node apart.
const (
	nodeFields42 = 10
	nodeFields43 = 12
	nodeFields48 = 13
)

// AllNodes asks NodeInfo for all nodes. A server of 4.2 knows no such thing.
const AllNodes = -1

// NodeCount is the number of nodes.
func (c *Conn) NodeCount() (int64, error) {
	if err := c.send(frame.NodeCount, nil); err != nil {
		return 0, err
	}
	texts, err := c.complete('l')
	if err != nil {
		return 0, err
	}
	f := fields{texts: texts}
	n := f.number()
	return n, f.err
}

// NodeInfo is what the server knows of one node, or of AllNodes.
func (c *Conn) NodeInfo(id int) ([]Node, error) {
	if err := c.sendTexts(frame.NodeInfo, strconv.Itoa(id)); err != nil {
		return nil, err
	}
	var nodes []Node
	add := func(texts []string) error {
		n, err := readNode(texts)
		nodes = append(nodes, n)
		return err
	}
	alone, err := c.items('i', frame.NodeInfoItem, add)
	if err == nil && len(nodes) == 0 && len(alone) > 0 {
		err = add(alone)
	}
	return nodes, err
}

func readNode(texts []string) (Node, error) {
	f := fields{texts: texts}
	var n Node
	switch len(texts) {
	case nodeFields42:
		n.Layout = V42
	case nodeFields43:
		n.Layout = V43
	case nodeFields48:
		n.Layout = V48
	default:
		return n, fmt.Errorf("read the answer: a node with %d fields", len(texts))
	}
	n.Host, n.Port, n.Status, n.Quarantine = f.text(), f.number(), f.number(), f.number() != 0
	if n.Layout != V42 {
		n.PgStatus = f.text()
	}
	n.Weight, n.Role = f.float()/frame.FullWeight, f.number()
	if n.Layout != V42 {
		n.PgRole = f.text()
	}
	if n.Layout == V48 {
		n.TimeDelay = f.number() != 0
	}
	n.Delay, n.State, n.SyncState, n.Changed = f.number(), f.text(), f.text(), f.time()
	return n, f.err
}
