package config

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Node is a host of the crew, as hostname0, wd_port0 and pgpool_port0 name it.
type Node struct {
	ID            int // the digits of its parameters, and what its pgpool_node_id says
	Host          string
	WatchPort     int // for other nodes
	RouterPort    int // for clients
	HeartbeatHost string
	HeartbeatPort int // for datagrams; 0 for none
}

// Nodes returns the hosts of the crew, in the order of their numbers: those that have a hostname and a wd_port.
func (c *Config) Nodes() []Node {
	var nodes []Node
	for id := 0; id <= MaxNode; id++ {
		n := Node{ID: id, Host: c.StringAt("hostname", id), WatchPort: c.IntAt("wd_port", id), RouterPort: c.IntAt("pgpool_port", id),
			HeartbeatHost: c.StringAt("heartbeat_hostname", id), HeartbeatPort: c.IntAt("heartbeat_port", id)}
		if n.Host == "" || n.WatchPort == 0 {
			continue
		}
		if n.HeartbeatHost == "" {
			n.HeartbeatHost = n.Host
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// ReadNodeID reads pgpool_node_id, a file with the number of this host's node in it.
func ReadNodeID(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("the number of this node is not known: %w (write it into that file, or give --node-id)", err)
	}
	id, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || id < 0 || id > MaxNode {
		return 0, fmt.Errorf("%s:1: %.40q is no number of a node: write one from 0 to %d", path, strings.TrimSpace(string(text)), MaxNode)
	}
	return id, nil
}
