package node

import (
	"slices"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// status puts together what a person wants to know.
func (n *Node) status(v *authority.View, seen sight) Status {
	s, now := n.Settings, n.clock()
	st := Status{Cluster: v.Map.Cluster, Version: n.version, Term: v.Term, Epoch: v.Map.Epoch, Index: v.Map.Index,
		Quorum: string(v.Quorum), ServeMS: max(0, v.Serve.Until-now).Milliseconds(),
		Failover: v.Map.Failover, Last: v.Map.Last, Pause: v.Map.Pause, Problems: slices.Clone(v.Problems),
		Members: []MemberStatus{}, Backends: []BackendStatus{}, Watchdog: s.watchdog(v)}
	for _, p := range []string{v.Waiting, v.Quarantined} {
		if p != "" {
			st.Problems = append(st.Problems, p)
		}
	}
	if slots := n.idleSlots.Load(); slots != nil {
		st.Problems = append(st.Problems, *slots...)
	}
	for i := range v.Map.Members {
		m := &v.Map.Members[i]
		st.Members = append(st.Members, s.memberStatus(v, m, &seen))
	}
	for i := range v.Map.Backends {
		st.Backends = append(st.Backends, n.backendStatus(v, &v.Map.Backends[i], &seen))
	}
	return st
}

func (s *Settings) memberStatus(v *authority.View, m *clustermap.Member, seen *sight) MemberStatus {
	is, as := watchdogState(v, m), s.membership(v, m)
	return MemberStatus{ID: m.ID, Name: s.name(m.ID), Self: m.ID == s.Self.ID, Leader: m.ID == v.Leader,
		State: s.member(v, m, seen).State, Voter: slices.Contains(v.Voters, m.ID), Witness: m.Witness, VIP: m.ID == v.VIP.Holder, Role: string(s.role(v, seen, m.ID)),
		Host: m.Host, WatchPort: m.Port, RouterPort: m.Router, Priority: m.Priority, PoolName: poolName(m), WatchdogState: is.number, StateName: is.name,
		Membership: as.number, MembershipName: as.name, DelegateIP: s.Config.String("delegate_ip")}
}

func (n *Node) backendStatus(v *authority.View, b *clustermap.Backend, at *sight) BackendStatus {
	s := n.Settings
	e := s.backend(v, b.ID, at)
	st := BackendStatus{ID: b.ID, Addr: e.Addr, Status: string(b.Status), State: e.State, Role: e.Role, Timeline: e.Timeline, LSN: e.LSN,
		LagBytes: e.LagBytes, Reason: e.Reason, PoolStatus: 3, Quarantine: b.Status == clustermap.Quarantined, PGStatus: "unknown", PGRole: "unknown",
		Changed: b.At, Checks: n.observer.checks(b.ID), Recovery: recovery(v, b.ID)}
	if b.Status == clustermap.Attached {
		st.PoolStatus = 2
	}
	if st.Changed.IsZero() {
		st.Changed = n.began
	}
	for id, h := range s.opinions(at, b.ID) {
		if st.Opinions == nil {
			st.Opinions = map[string]string{}
		}
		st.Opinions[s.name(id)] = string(h)
	}
	seen := at.backends
	if j := slices.IndexFunc(seen, func(r report.Backend) bool { return r.ID == b.ID }); j >= 0 {
		n.see(&st, v, &seen[j], seen)
	}
	return st
}

// see adds what this node sees of a server itself.
func (n *Node) see(st *BackendStatus, v *authority.View, r *report.Backend, all []report.Backend) {
	st.Upstream, st.State = r.Upstream, state(r.Health)
	switch {
	case !r.Health.Lives() && r.Health != report.Unseen:
		st.PGStatus = "down"
	case r.Health != report.Unseen:
		st.PGStatus = "up"
	}
	switch {
	case r.Health != report.Well || r.Timeline == 0:
	case r.Standby:
		st.PGRole = "standby"
	default:
		st.PGRole = "primary"
	}
	if !r.Standby {
		return
	}
	if lag := r.Lag.Microseconds(); st.LagBytes != nil {
		st.LagUS = &lag
	}
	i := slices.IndexFunc(all, func(p report.Backend) bool { return p.ID == v.Map.PrimaryID() })
	if i < 0 || r.Health != report.Well || r.Upstream == "" {
		return
	}
	st.RepState, st.SyncState = n.replication(v, &all[i], st.ID)
}

// replication is how the primary sees a standby that streams: the row of pg_stat_replication with its backend_application_name or
// its address, or the only row that there is. A standby whose row cannot be told streams all the same.
func (n *Node) replication(v *authority.View, primary *report.Backend, id int) (state, sync string) {
	name, host := n.latest.Load().Config.StringAt("backend_application_name", id), v.Map.Backend(id).Host
	match := func(by func(report.Sync) bool) int { return slices.IndexFunc(primary.Syncs, by) }
	i := match(func(r report.Sync) bool { return name != "" && r.Name == name })
	if i < 0 {
		i = match(func(r report.Sync) bool { return r.Addr == host })
	}
	if i < 0 && len(primary.Syncs) == 1 {
		i = 0
	}
	switch {
	case i >= 0:
		return primary.Syncs[i].State, primary.Syncs[i].Sync
	case primary.SyncSet == "":
		return "streaming", "async"
	}
	return "streaming", ""
}
