package cluster

import (
	"fmt"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/common/probe"
)

// backend is one configured server.
type backend struct {
	id                           int
	host                         string
	port                         int
	weight                       float64
	name, dir                    string // application_name, data directory
	allowFailover, alwaysPrimary bool
}

// sameServer tells whether two backends differ in nothing but their weights, which change with the number of servers.
func (b backend) sameServer(o backend) bool {
	o.weight = b.weight
	return b == o
}

// member is a backend with what is known of it.
type member struct {
	backend
	Node
	cond   condition
	sick   string        // why the health check has given it up, or ""
	fault  string        // the last error of asking it, or ""
	addrs  []string      // of host, to find it in pg_stat_replication
	sample *probe.Sample // nil while its role is not known
}

// state is everything standalone operation knows. It is pure: no I/O, no clock. Changes go in by seen, missed, health,
// used; resolve makes the next Map.
type state struct {
	members []*member
	epoch   uint64
	primary int       // the last one; -1 before the first
	asked   bool      // some server has ever told its role
	sure    bool      // all servers were looked at once, so that the primary is not only the first one that answered
	patient time.Time // until then a primary is not chosen before all servers were looked at
	guide   *guide    // what pgwatch says; nil without one
}

// patience is how long a start waits for slow servers: the first primary that answers may be one that was replaced.
const patience = time.Second

func newState() *state { return &state{primary: -1} }

// configure takes over a list of backends. A backend that has the host and port of before keeps what is known of it.
func (s *state) configure(list []backend, now time.Time) {
	if s.patient.IsZero() {
		s.patient = now.Add(patience)
	}
	members := make([]*member, len(list))
	for i, b := range list {
		m := s.member(b.id)
		if m == nil || m.host != b.host || m.port != b.port {
			m = &member{}
			m.Status, m.Since, m.PGStatus = Waiting, now, "unknown"
			m.Network, m.Address = probe.Address(b.host, b.port)
		}
		m.backend = b
		m.ID, m.Host, m.Port, m.Weight, m.ApplicationName, m.DataDirectory = b.id, b.host, b.port, b.weight, b.name, b.dir
		members[i] = m
	}
	s.members = members
}

func (s *state) member(id int) *member {
	for _, m := range s.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

// seen records that a server told its role.
func (s *state) seen(id int, who met, got *probe.Sample) {
	if m := s.member(id); m != nil {
		m.Network, m.Address, m.addrs = who.network, who.address, who.addrs
		m.cond, m.sample, m.fault = alive, got, ""
		s.asked = true
	}
}

// missed records an error of asking a server. What it said before stays true while it lives; a server that comes back
// from the dead must say it again.
func (s *state) missed(id int, c condition, fault string) {
	if m := s.member(id); m != nil {
		m.cond, m.fault = c, fault
		if c == dead {
			m.sample = nil
		}
	}
}

// health records what the health check thinks; fault is "" when it is content.
func (s *state) health(id int, fault string) {
	if m := s.member(id); m != nil {
		m.sick = fault
	}
}

// used records the first client session on a node.
func (s *state) used(id int, now time.Time) {
	if m := s.member(id); m != nil && m.Status == Waiting && m.Up {
		m.Status, m.Since = Up, now
	}
}

// waits tells whether some server was not looked at yet.
func (s *state) waits() bool {
	return slices.ContainsFunc(s.members, func(m *member) bool { return m.cond == unseen })
}

// usable tells whether sessions would get through to the server.
func (m *member) usable() bool { return m.cond == alive && m.sick == "" }

// claims tells whether the server says, or is configured, to be the primary.
func (m *member) claims() bool {
	return m.usable() && (m.alwaysPrimary || m.sample != nil && !m.sample.Standby)
}

// choose picks the primary. The one of before stays while it is one; among new ones the highest timeline was promoted
// last, and Pgpool-II's rule, the lowest ID, decides between equals.
func (s *state) choose() *member {
	var best *member
	for _, m := range s.members {
		if m.alwaysPrimary {
			if m.claims() {
				return m
			}
			return nil
		}
		switch {
		case !m.claims():
		case best == nil, m.id == s.primary && s.sure:
			best = m
		case !(best.id == s.primary && s.sure) && m.sample.Timeline > best.sample.Timeline:
			best = m
		}
	}
	if best != nil || s.asked {
		return best
	}
	// Nobody has ever told its role: no user to ask as, or no right to log in. As Pgpool-II then does, the lowest live
	// node gets the writes; if it is a standby it will refuse them.
	for _, m := range s.members {
		if m.usable() {
			return m
		}
	}
	return nil
}

// resolve makes the Map that follows from what is known. sinceBoot is for leases.
func (s *state) resolve(now time.Time, sinceBoot time.Duration) *Map {
	var p *member
	complete := !s.waits()
	if complete || s.primary >= 0 || !now.Before(s.patient) {
		p = s.choose()
	}
	if p != nil && p.id != s.primary {
		s.primary = p.id
		s.epoch++
	}
	s.sure = s.sure || complete
	out := &Map{Epoch: s.epoch, Primary: -1}
	if p != nil {
		out.Primary = p.id
	}
	for _, m := range s.members {
		m.place(p, s.asked)
		m.follow(p, s.sharesHost(m), len(s.members) == 2)
		m.status(now)
		out.Nodes = append(out.Nodes, m.Node)
	}
	if s.guide != nil {
		s.guide.apply(out, s.members, sinceBoot)
	}
	return out
}

// place sets role and usability beside the primary p, which may be nil.
func (m *member) place(p *member, asked bool) {
	m.Up, m.Err = m.usable(), m.fault
	m.PGStatus, m.PGRole = "up", Unknown
	switch m.cond {
	case unseen:
		m.PGStatus = "unknown"
	case dead, starting:
		m.PGStatus = "down"
	}
	if m.sick != "" && m.Err == "" {
		m.Err = m.sick
	}
	if m.cond == alive && m.sample != nil {
		m.PGRole = Primary
		if m.sample.Standby {
			m.PGRole = Standby
		}
	}

	switch {
	case m == p:
		m.Role = Primary
		if m.sample == nil && !m.alwaysPrimary && !asked {
			m.Err = "assumed to be the primary because no server tells its role: " + m.fault
		}
	case p == nil && m.PGRole == Primary:
		m.Up = false
		if m.Err == "" {
			m.Err = "it takes writes, but it is not known to be the primary"
		}
	case m.PGRole == Primary:
		m.Role, m.Up = Standby, false
		m.Err = fmt.Sprintf("it takes writes although node %d is the primary: make it a standby again", p.id)
	case p != nil && p.sample != nil && m.sample != nil && m.sample.System != "" && p.sample.System != "" &&
		m.sample.System != p.sample.System:
		m.Role, m.Up = Standby, false
		m.Err = fmt.Sprintf("it belongs to another cluster: its system identifier is %s, the primary's %s",
			m.sample.System, p.sample.System)
	case p != nil && m.cond != unseen, m.PGRole == Standby:
		m.Role = Standby
	}
}

// follow sets what the primary p and the server itself say of its replication.
func (m *member) follow(p *member, shared, two bool) {
	m.ReplicationState, m.SyncState = "", ""
	if m == p || p == nil || p.sample == nil || m.sample == nil || !m.sample.Standby {
		m.LagBytes, m.LagTime = 0, 0
		return
	}
	m.LagBytes = max(0, int64(p.sample.LSN-m.sample.LSN))
	r := m.replica(p.sample.Replicas, shared, two)
	if r == nil {
		m.LagTime = 0
		return
	}
	m.ReplicationState, m.SyncState, m.LagTime = r.State, r.Sync, r.Lag
}

// sharesHost tells whether another standby has the same host, so that an address does not tell them apart.
func (s *state) sharesHost(m *member) bool {
	return slices.ContainsFunc(s.members, func(o *member) bool {
		return o != m && o.host == m.host && o.Role != Primary
	})
}

// replica finds the row of a server: by backend_application_name, else by its address if that is one row's and one
// server's, else the only row beside the only other server.
func (m *member) replica(rows []probe.Replica, shared, two bool) *probe.Replica {
	if m.name != "" {
		i := slices.IndexFunc(rows, func(r probe.Replica) bool { return r.Name == m.name })
		if i < 0 {
			return nil
		}
		return &rows[i]
	}
	var found *probe.Replica
	for i := range rows {
		if !shared && slices.Contains(m.addrs, rows[i].Addr) {
			if found != nil {
				return nil
			}
			found = &rows[i]
		}
	}
	if found == nil && two && len(rows) == 1 {
		found = &rows[0]
	}
	return found
}

// status follows from the condition. A node that must not be set down keeps its status, though it gets no sessions
// while nobody answers there.
func (m *member) status(now time.Time) {
	next := m.Status
	switch {
	case m.cond == dead || m.sick != "":
		if m.allowFailover {
			next = Down
		}
	case m.cond == alive && m.Status == Down:
		next = Waiting
	}
	if next != m.Status {
		m.Status, m.Since = next, now
	}
}
