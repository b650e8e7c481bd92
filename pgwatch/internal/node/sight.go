package node

import (
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/gossip"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A sight is what a node sees by itself, and what it hears of others. Nothing is decided by the latter.
type sight struct {
	backends []report.Backend
	peers    map[clustermap.NodeID]gossip.Peer
}

// sight is what this node sees and hears now.
func (n *Node) sight() sight {
	s := sight{backends: n.observer.seen()}
	if n.gossip != nil {
		s.peers = n.gossip.Peers()
	}
	return s
}

// by are the nodes that see a server as h, in the order of their numbers.
func (s *Settings) by(seen *sight, backend int, h report.Health) (names []string) {
	opinions := s.opinions(seen, backend)
	for _, id := range slices.Sorted(maps.Keys(opinions)) {
		if state(opinions[id]) == state(h) {
			names = append(names, s.name(id))
		}
	}
	return names
}

// opinions are how each node sees a server.
func (s *Settings) opinions(seen *sight, backend int) map[clustermap.NodeID]report.Health {
	all := map[clustermap.NodeID]report.Health{}
	for id, p := range seen.peers {
		if h, ok := p.Opinion.Backends[backend]; ok && h != report.Unseen {
			all[id] = h
		}
	}
	for i := range seen.backends {
		if b := &seen.backends[i]; b.ID == backend && b.Health != report.Unseen {
			all[s.Self.ID] = b.Health
		}
	}
	return all
}

// role is what a node says of itself; "" when it is not heard.
func (s *Settings) role(v *authority.View, seen *sight, id clustermap.NodeID) gossip.Role {
	switch {
	case id != s.Self.ID:
		return seen.peers[id].Opinion.Role
	case v.Leading:
		return gossip.Leads
	case s.Self.Witness:
		return gossip.Votes
	}
	return gossip.Follows
}

// opinion is what this node tells the others.
func (s *Settings) opinion(v *authority.View, seen *sight) gossip.Opinion {
	o := gossip.Opinion{Role: s.role(v, seen, s.Self.ID), Backends: map[int]report.Health{}}
	for i := range seen.backends {
		o.Backends[seen.backends[i].ID] = seen.backends[i].Health
	}
	return o
}

// heartbeat is where this node and the others hear heartbeats, or nil when heartbeat_port is not set for it.
func heartbeat(c *config.Config, self int) *gossip.Config {
	g := &gossip.Config{Self: clustermap.NodeID(self), Key: c.String("wd_authkey"), Listen: c.List("wd_heartbeat_listen_addresses")}
	if len(g.Listen) == 0 {
		g.Listen = roads(c.StringAt("heartbeat_device", self))
	}
	for _, n := range c.Nodes() {
		if n.HeartbeatPort == 0 {
			continue
		}
		for _, host := range roads(n.HeartbeatHost) {
			addr := net.JoinHostPort(host, strconv.Itoa(n.HeartbeatPort))
			switch {
			case n.ID != self:
				g.Seeds = append(g.Seeds, addr)
			case g.Advertise == "":
				g.Advertise, g.Port = addr, n.HeartbeatPort
			}
		}
	}
	if g.Advertise == "" {
		return nil
	}
	if port := c.Int("wd_heartbeat_listen_port"); port != 0 {
		g.Port = port
	}
	return g
}

// roads are the members of a heartbeat_hostname or heartbeat_device, which may name several.
func roads(text string) (list []string) {
	for each := range strings.SplitSeq(text, ";") {
		if each = strings.TrimSpace(each); each != "" {
			list = append(list, each)
		}
	}
	return list
}

// newGossip prepares to hear heartbeats, or returns nil.
func newGossip(c *gossip.Config, log *slog.Logger) *gossip.Gossip {
	if c == nil {
		return nil
	}
	with := *c
	with.Log, with.Changed = log, func() {} // who is told looks a few times a second
	return gossip.New(with)
}
