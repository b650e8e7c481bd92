package node

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/common/config"
)

// faults are all mistakes in what a configuration says of nodes and servers. A line that was not understood is not blamed
// again for what follows from it.
func faults(c *config.Config) error {
	var list config.Problems
	if len(c.Backends()) == 0 && !c.Unsure("backend_") {
		list = append(list, config.Problem{File: c.Path(), Text: "no server is configured", Hint: "set backend_hostname0 and backend_port0"})
	}
	list = append(list, sameServers(c)...)
	if c.Bool("use_watchdog") && !c.Unsure("use_watchdog") {
		list = append(list, halfNodes(c)...)
		list = append(list, sameNodes(c)...)
	}
	if list == nil {
		return nil
	}
	return list
}

// sameServers are backends with the address of another one: a failover would go from a server to itself.
func sameServers(c *config.Config) (list config.Problems) {
	first := map[string]int{}
	for _, b := range c.Backends() {
		addr := net.JoinHostPort(strings.ToLower(b.Host), strconv.Itoa(b.Port))
		if id, twice := first[addr]; twice {
			list = append(list, c.Problem(fmt.Sprint("backend_port", b.ID), fmt.Sprintf("backend %d is %s, and so is backend %d", b.ID, addr, id),
				"each server has one number"))
			continue
		}
		first[addr] = b.ID
	}
	return list
}

// halfNodes are those of which host or port is missing. They would not count, and the votes be others than was meant.
func halfNodes(c *config.Config) (list config.Problems) {
	for id := 0; id <= config.MaxNode; id++ {
		host, port := c.StringAt("hostname", id) != "", c.IntAt("wd_port", id) != 0
		switch {
		case host && !port && !c.Unsure("wd_port"):
			list = append(list, c.Problem(fmt.Sprint("hostname", id), fmt.Sprintf("node %d has no port", id), fmt.Sprintf("set wd_port%d, or remove hostname%d", id, id)))
		case port && !host && !c.Unsure("hostname"):
			list = append(list, c.Problem(fmt.Sprint("wd_port", id), fmt.Sprintf("node %d has no host", id), fmt.Sprintf("set hostname%d, or remove wd_port%d", id, id)))
		}
	}
	return list
}

// sameNodes are those with the address of another one.
func sameNodes(c *config.Config) (list config.Problems) {
	first := map[string]int{}
	look := func(id int, name, host string, port int) {
		addr := net.JoinHostPort(strings.ToLower(host), strconv.Itoa(port))
		other, twice := first[addr]
		if !twice {
			first[addr] = id
			return
		}
		what := "node " + strconv.Itoa(other) + " is"
		if other == id {
			what = "its other port is"
		}
		list = append(list, c.Problem(fmt.Sprint(name, id), fmt.Sprintf("%s%d: node %d is to be at %s, where %s already", name, id, id, addr, what),
			"each node needs a wd_port and a heartbeat_port of its own"))
	}
	for _, n := range c.Nodes() {
		look(n.ID, "wd_port", n.Host, n.WatchPort)
		for _, host := range roads(n.HeartbeatHost) {
			if n.HeartbeatPort != 0 {
				look(n.ID, "heartbeat_port", host, n.HeartbeatPort)
			}
		}
	}
	return list
}

// nobody says that the configuration does not have the node that this one is.
func nobody(c *config.Config, id int) error {
	if c.Unsure("hostname") || c.Unsure("wd_port") || c.StringAt("hostname", id) != "" || c.IntAt("wd_port", id) != 0 {
		return nil // that was said already
	}
	return config.Problems{{File: c.Path(), Text: fmt.Sprintf("this is node %d, but hostname%d and wd_port%d are not set", id, id, id), Hint: "set them, or mend pgpool_node_id"}}
}
