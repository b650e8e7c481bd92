package link

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

const (
	protocolVersion = 1
	maxNode         = 127 // Pgpool-II has at most 128 nodes too
)

// A hello is the first frame of each side of a connection. Version and Refused stay what they are in all versions.
type hello struct {
	Version int               `json:"version"`
	Cluster string            `json:"cluster,omitempty"` // "" while it is not known
	Node    clustermap.NodeID `json:"node"`
	Boot    string            `json:"boot"`
	Refused string            `json:"refused,omitempty"` // why the node that was dialed does not want the connection
}

func writeHello(w io.Writer, h hello) error {
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return writeFrame(w, Message{greeting, b})
}

func readHello(r io.Reader) (hello, error) {
	m, err := readFrame(r, maxHello)
	if err != nil {
		return hello{}, err
	}
	var h hello
	if m.Kind != greeting || json.Unmarshal(m.Body, &h) != nil {
		return hello{}, protocolError("it does not begin with a hello")
	}
	return h, nil
}

// accepts says why self does not talk to other, or nothing. Both sides print it.
func (self hello) accepts(other hello) string {
	switch {
	case other.Version != self.Version:
		return fmt.Sprintf("node %d speaks protocol version %d and node %d version %d: run the same pgwatch everywhere",
			other.Node, other.Version, self.Node, self.Version)
	case other.Node == self.Node && other.Boot == self.Boot:
		return fmt.Sprintf("node %d has called itself: an address of another node leads to its own host", self.Node)
	case other.Node == self.Node:
		return fmt.Sprintf("both nodes have the number %d: give each host a pgpool_node_id of its own", self.Node)
	case other.Node < 0 || other.Node > maxNode:
		return fmt.Sprintf("node number %d is not between 0 and %d: correct pgpool_node_id", other.Node, maxNode)
	case other.Cluster != "" && self.Cluster != "" && other.Cluster != self.Cluster:
		return fmt.Sprintf("node %d belongs to cluster %q and node %d to cluster %q: "+
			"the one that is in the wrong place joins after its data folder was removed", other.Node, other.Cluster, self.Node, self.Cluster)
	}
	return ""
}
