package node

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// name is how events call a node: its host, and the port that tells nodes of one host apart.
func (s *Settings) name(id clustermap.NodeID) string {
	for _, m := range s.Members {
		if m.ID == id {
			return net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
		}
	}
	return ""
}

// quorum is the word of events for one of the authority.
func quorum(q authority.Quorum) event.QuorumState {
	switch q {
	case authority.Full:
		return event.QuorumFull
	case authority.Edge:
		return event.QuorumEdge
	}
	return event.QuorumNone
}

// at places an event in the history of the cluster.
func at(v *authority.View) event.At {
	return event.At{Index: v.Map.Index, Term: v.Term, Epoch: v.Map.Epoch}
}

// snapshot is all there is to know.
func (s *Settings) snapshot(v *authority.View, seen sight) event.Snapshot {
	m := event.Map{Index: v.Map.Index, Epoch: v.Map.Epoch, Primary: s.primary(v)}
	for i := range v.Map.Backends {
		m.Backends = append(m.Backends, s.backend(v, v.Map.Backends[i].ID, &seen))
	}
	for i := range v.Map.Members {
		m.Nodes = append(m.Nodes, s.member(v, &v.Map.Members[i], &seen))
	}
	return event.Snapshot{Map: m, Self: s.name(s.Self.ID), Quorum: quorum(v.Quorum)}
}

// primary is who takes writes in the present epoch, or nil.
func (s *Settings) primary(v *authority.View) *event.Primary {
	p := v.Map.Primary
	if p == nil {
		return nil
	}
	e := &event.Primary{ID: p.Backend, Epoch: v.Map.Epoch, SysID: p.SystemID, Timeline: p.Timeline, StartLSN: lsn(p.LSN)}
	if b := v.Map.Backend(p.Backend); b != nil {
		e.Addr = net.JoinHostPort(b.Host, strconv.Itoa(b.Port))
		for _, m := range s.Members {
			if m.Host == b.Host {
				e.Node = s.name(m.ID)
			}
		}
	}
	return e
}

// member is what is known of a node. One that is heard on one of its two ports only, wd_port and heartbeat_port, is suspect.
func (s *Settings) member(v *authority.View, m *clustermap.Member, seen *sight) event.Node {
	n := event.Node{ID: s.name(m.ID), Kind: "watch", State: "dead"}
	switch {
	case m.Left:
		n.State = "left"
	case slices.Contains(v.Alive, m.ID):
		n.State = "alive"
	}
	if p, heard := seen.peers[m.ID]; heard && n.State != "left" && p.Alive != (n.State == "alive") {
		n.State = "suspect"
	}
	return n
}

// backend puts together what was decided about a server and what this node sees of it.
func (s *Settings) backend(v *authority.View, id int, at *sight) event.Backend {
	b := v.Map.Backend(id)
	e := event.Backend{ID: id, State: "down", Addr: net.JoinHostPort(b.Host, strconv.Itoa(b.Port)), Role: "standby", Reason: b.Reason}
	if id == v.Map.PrimaryID() {
		e.Role = "primary"
	}
	seen := at.backends
	i := slices.IndexFunc(seen, func(r report.Backend) bool { return r.ID == id })
	if i < 0 {
		return e
	}
	r := &seen[i]
	e.By = s.by(at, id, r.Health)
	e.Timeline, e.LSN = r.Timeline, lsn(r.LSN)
	if e.Reason == "" {
		e.Reason = r.Err
	}
	switch b.Status {
	case clustermap.Quarantined:
		e.State = "quarantine"
	case clustermap.Attached:
		e.State = state(r.Health)
	}
	if p := v.Map.PrimaryID(); p != id && r.Standby {
		if j := slices.IndexFunc(seen, func(r report.Backend) bool { return r.ID == p }); j >= 0 && seen[j].LSN >= r.LSN {
			lag := int64(seen[j].LSN - r.LSN)
			e.LagBytes = &lag
		}
	}
	return e
}

// state is the word of events for how a server looks.
func state(h report.Health) string {
	switch h {
	case report.Well, report.Full, report.Denied, report.Unseen:
		return "up"
	case report.Starting:
		return "starting"
	case report.Silent:
		return "hung"
	}
	return "down"
}

// lsn writes a position as PostgreSQL does; nothing for none.
func lsn(p uint64) string {
	if p == 0 {
		return ""
	}
	return fmt.Sprintf("%X/%X", p>>32, uint32(p))
}
