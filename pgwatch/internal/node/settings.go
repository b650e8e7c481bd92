// Package node is one running pgwatch: it puts together what sees (health, agent, gossip), what decides (authority, failover)
// and what tells (hub, control).
package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgcrew/pgcrew/common/certs"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/probe"
	"github.com/pgcrew/pgcrew/pgwatch/internal/agent"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/gossip"
	"github.com/pgcrew/pgcrew/pgwatch/internal/health"
)

// Settings is what a node takes from the configuration when it starts.
type Settings struct {
	Config    *config.Config
	Passwords *passwd.File
	Key       *passwd.Key
	TLS       *tls.Config // for servers
	warnings  []string    // of what was read for them

	Self     clustermap.Member
	Members  []clustermap.Member // of the configuration, Self too
	Backends []clustermap.Backend
	Local    map[int]bool // backends on this host

	Listen    string         // for other nodes
	Heartbeat *gossip.Config // nil: none is heard
}

// alone is the member of a crew of one, when use_watchdog is off.
func alone(c *config.Config) clustermap.Member {
	return clustermap.Member{Host: "localhost", Router: c.Int("port"), Priority: 1}
}

// NewSettings reads who this node is. id is its number, or -1 when the file beside the configuration has it. The
// error names everything that is wrong; the Settings are complete only without one.
func NewSettings(ctx context.Context, c *config.Config, pw *passwd.File, key *passwd.Key, id int, witness bool) (*Settings, error) {
	s := &Settings{Config: c, Passwords: pw, Key: key, Local: map[int]bool{}}
	for _, b := range c.Backends() {
		s.Backends = append(s.Backends, clustermap.Backend{ID: b.ID, Host: b.Host, Port: b.Port})
		s.Local[b.ID] = !witness && probe.IsLocal(ctx, b.Host)
	}
	err := errors.Join(faults(c), s.readTLS(witness))
	if !c.Bool("use_watchdog") {
		s.Self = alone(c)
		s.Members = []clustermap.Member{s.Self}
		return s, err
	}
	if id < 0 {
		var unknown error
		if id, unknown = config.ReadNodeID(c.Beside("pgpool_node_id")); unknown != nil {
			return s, errors.Join(err, unknown)
		}
	}
	for _, n := range c.Nodes() {
		m := clustermap.Member{ID: clustermap.NodeID(n.ID), Host: n.Host, Port: n.WatchPort, Router: n.RouterPort}
		if n.ID == id {
			m.Priority, m.Witness = c.Int("wd_priority"), witness
			s.Self = m
			s.Listen, s.Heartbeat = listenAddress(c, n), heartbeat(c, n.ID)
		}
		s.Members = append(s.Members, m)
	}
	if s.Listen == "" {
		err = errors.Join(err, nobody(c, id))
	}
	return s, err
}

// keepAddresses leaves the servers that are in old, too, where they are there: they move at a restart only.
func (s *Settings) keepAddresses(old *Settings) {
	s.Config.KeepServers(old.Config)
	for i, b := range s.Backends {
		if j := slices.IndexFunc(old.Backends, func(o clustermap.Backend) bool { return o.ID == b.ID }); j >= 0 {
			s.Backends[i], s.Local[b.ID] = old.Backends[j], old.Local[b.ID]
		}
	}
}

// watched is how this node looks at the servers, and which it acts on. A witness does neither.
func (s *Settings) watched() (probes []health.Settings, hands []agent.Backend) {
	if s.Self.Witness {
		return nil, nil
	}
	for _, b := range s.Config.Backends() {
		probes = append(probes, health.NewSettings(s.Config, b, s.Passwords, s.Key, s.TLS))
		hand := agent.Backend{ID: b.ID, Far: !s.Local[b.ID]}
		if s.Local[b.ID] {
			hand.Server = postmaster.New(b.DataDirectory)
		}
		hands = append(hands, hand)
	}
	return probes, hands
}

// readTLS reads with which certificates servers are asked. A witness asks none.
func (s *Settings) readTLS(witness bool) (err error) {
	if witness || s.Config.Unsure("ssl") {
		return nil
	}
	s.TLS, err = certs.Prefer(s.Config, func(w string) { s.warnings = append(s.warnings, w) })
	return err
}

// listenAddress is where other nodes reach this one: everywhere, unless the configuration says where.
func listenAddress(c *config.Config, n config.Node) string {
	host, port := c.String("wd_listen_address"), c.Int("wd_listen_port")
	if host == "*" {
		host = ""
	}
	if port == 0 {
		port = n.WatchPort
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%d", host, port)
}
