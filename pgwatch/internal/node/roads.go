package node

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/probe"
)

// roadTraps are names and ports of nodes that may not work. They are no mistakes in the file: a name server may be down now.
func (s *Settings) roadTraps(ctx context.Context) (list []string) {
	c := s.Config
	say := func(name string, id int, text, hint string) {
		list = append(list, c.Problem(fmt.Sprint(name, id), text, hint).String())
	}
	known := map[string]bool{}
	resolves := func(name string, id int, host string) bool {
		if known[host] {
			return false
		}
		known[host] = true
		_, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			say(name, id, fmt.Sprintf("%s%d: %v", name, id, err), "mend the name, /etc/hosts or the name server")
		}
		return err == nil
	}
	for _, b := range c.Backends() {
		if !probe.IsFolder(b.Host) {
			resolves("backend_hostname", b.ID, b.Host)
		}
	}
	if !c.Bool("use_watchdog") {
		return list
	}
	hears := slices.ContainsFunc(c.Nodes(), func(n config.Node) bool { return n.HeartbeatPort != 0 })
	for _, n := range c.Nodes() {
		resolves("hostname", n.ID, n.Host)
		for _, host := range roads(n.HeartbeatHost) {
			if n.HeartbeatPort != 0 {
				resolves("heartbeat_hostname", n.ID, host)
			}
		}
		if hears && n.HeartbeatPort == 0 {
			say("hostname", n.ID, fmt.Sprintf("heartbeat_port%d is not set: no heartbeats of node %d are heard, and whether it is alive is known by wd_port%d alone", n.ID, n.ID, n.ID),
				fmt.Sprintf("set heartbeat_hostname%d and heartbeat_port%d", n.ID, n.ID))
		}
		if n.ID == int(s.Self.ID) && s.Listen != "" && !probe.IsLocal(ctx, n.Host) {
			say("hostname", n.ID, fmt.Sprintf("this is node %d, and hostname%d = %s is no address of this host", n.ID, n.ID, n.Host),
				"mend pgpool_node_id if it is another node's; behind address translation it is as it should be")
		}
	}
	for _, dev := range roads(c.StringAt("heartbeat_device", int(s.Self.ID))) {
		if _, err := net.InterfaceByName(dev); err != nil && s.Heartbeat != nil {
			say("heartbeat_device", int(s.Self.ID), fmt.Sprintf("heartbeat_device%d = %s: %v", s.Self.ID, dev, err), "no heartbeats are heard until it is there")
		}
	}
	for _, name := range c.List("wd_monitoring_interfaces_list") {
		if _, err := net.InterfaceByName(name); err != nil && name != "any" {
			list = append(list, c.Problem("wd_monitoring_interfaces_list", fmt.Sprintf("interface %s: %v", name, err), "it counts as down").String())
		}
	}
	return list
}
