package node

import (
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// status puts together what a person wants to know.
func (s *Settings) status(v *authority.View, seen sight, now time.Duration, version string) Status {
	st := Status{Cluster: v.Map.Cluster, Version: version, Term: v.Term, Epoch: v.Map.Epoch, Index: v.Map.Index,
		Quorum: string(v.Quorum), ServeMS: max(0, v.Serve.Until-now).Milliseconds(),
		Failover: v.Map.Failover, Last: v.Map.Last, Pause: v.Map.Pause, Problems: slices.Clone(v.Problems),
		Members: []MemberStatus{}, Backends: []BackendStatus{}}
	for _, p := range []string{v.Waiting, v.Quarantined} {
		if p != "" {
			st.Problems = append(st.Problems, p)
		}
	}
	for i := range v.Map.Members {
		m := &v.Map.Members[i]
		st.Members = append(st.Members, MemberStatus{ID: m.ID, Name: s.name(m.ID), Self: m.ID == s.Self.ID, Leader: m.ID == v.Leader,
			State: s.member(v, m, &seen).State, Voter: slices.Contains(v.Voters, m.ID), Witness: m.Witness, VIP: m.ID == v.VIP.Holder, Role: string(s.role(v, &seen, m.ID))})
	}
	for i := range v.Map.Backends {
		st.Backends = append(st.Backends, s.backendStatus(v, i, &seen))
	}
	return st
}

func (s *Settings) backendStatus(v *authority.View, i int, at *sight) BackendStatus {
	b := &v.Map.Backends[i]
	e := s.backend(v, b.ID, at)
	st := BackendStatus{ID: b.ID, Addr: e.Addr, Status: string(b.Status), State: e.State, Role: e.Role, Timeline: e.Timeline, LSN: e.LSN,
		LagBytes: e.LagBytes, Reason: e.Reason}
	for id, h := range s.opinions(at, b.ID) {
		if st.Opinions == nil {
			st.Opinions = map[string]string{}
		}
		st.Opinions[s.name(id)] = string(h)
	}
	seen := at.backends
	if j := slices.IndexFunc(seen, func(r report.Backend) bool { return r.ID == b.ID }); j >= 0 {
		st.Upstream = seen[j].Upstream
		st.State = state(seen[j].Health)
	}
	return st
}
