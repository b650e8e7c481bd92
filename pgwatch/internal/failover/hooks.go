package failover

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A pendingHook is one run of a configured command.
type pendingHook struct {
	name, id string
	backend  int
	vars     map[string]string
}

// hookState is how far a hook has come.
type hookState struct {
	done bool
	err  string // why it failed, or that its time is over
}

func (h hookState) failed() bool { return h.err != "" }

// hookOf runs a hook of a failover. Once it has ended, ended is to be proposed, so that no other leader runs it again.
func (s *scene) hookOf(f *clustermap.Failover, h pendingHook, limit time.Duration) (state hookState, ended *clustermap.Command) {
	if slices.Contains(f.Hooks, h.id) {
		return hookState{done: true}, nil
	}
	if state = s.runHook(h, limit); !state.done && !state.failed() {
		return state, nil
	}
	if state.failed() {
		s.log("hook "+h.id, h.backend, fmt.Sprintf("%s for backend %d: %s", h.name, h.backend, state.err))
	}
	a := advance(f, "")
	a.Hooks = []string{h.id}
	return state, command(a)
}

// runHook orders a hook until a node says that it has ended, or its limit has passed.
func (s *scene) runHook(h pendingHook, limit time.Duration) hookState {
	for _, n := range s.nodes {
		for _, d := range s.Reports[n].Report.Hooks {
			if d.ID == h.id {
				return hookState{done: true, err: d.Err}
			}
		}
	}
	began, ok := s.p.tried[h.id]
	if !ok {
		began = s.Now
		s.p.tried[h.id] = began
	}
	if s.Now-began >= limit {
		return hookState{err: fmt.Sprintf("it has not ended within %v", limit)}
	}
	s.order(s.runner(), report.Order{Op: report.DoHook, Backend: h.backend, Epoch: s.Map.Promised, To: clustermap.None, Hook: h.name, ID: h.id, Vars: h.vars})
	return hookState{}
}

// runner is the node that runs hooks: the leader, as with Pgpool-II. The scripts are on the hosts of the servers, so a leader that
// is a witness leaves it to the first other node that is heard.
func (s *scene) runner() clustermap.NodeID {
	if me := s.Map.Member(s.Self); me == nil || !me.Witness {
		return s.Self
	}
	for _, m := range s.Map.Members {
		if !m.Witness && s.fresh(m.ID) {
			return m.ID
		}
	}
	return s.Self
}

// runHooks runs what is due after a change of status, one after another.
func (s *scene) runHooks() {
	for len(s.p.hooks) > 0 {
		h := s.p.hooks[0]
		state := s.runHook(h, followLimit)
		if !state.done && !state.failed() {
			return
		}
		if state.failed() {
			s.log("hook "+h.id, h.backend, fmt.Sprintf("%s for backend %d: %s", h.name, h.backend, state.err))
		}
		s.p.hooks = s.p.hooks[1:]
	}
}

// statusChanged runs failover_command for a standby that went, and failback_command for one that came, as Pgpool-II
// does. For a primary that was lost, the failover itself has run it.
func (s *scene) statusChanged(b *clustermap.Backend, was clustermap.Status) {
	name, set := "", false
	switch now := b.Status; {
	case was == clustermap.Attached && (now == clustermap.Down || now == clustermap.Detached):
		name, set = "failover_command", s.Policy.FailoverHook
	case was != clustermap.Attached && now == clustermap.Attached:
		name, set = "failback_command", s.Policy.FailbackHook
	}
	if f := s.Map.Failover; !set || f != nil && (f.From == b.ID || f.To == b.ID) {
		return
	}
	before := s.lowest(func(o *clustermap.Backend) bool {
		return o.Status == clustermap.Attached && o.ID != b.ID || o.ID == b.ID && was == clustermap.Attached
	})
	after := s.lowest(func(o *clustermap.Backend) bool { return o.Status == clustermap.Attached })
	primary := s.Map.PrimaryID()
	s.p.hooks = append(s.p.hooks, pendingHook{name, fmt.Sprintf("%s-%d-%d", name, s.Map.Index, b.ID), b.ID, s.vars(b.ID, after, before, primary)})
}

// failoverHook is failover_command for a lost primary. Pgpool-II names the lowest living backend as the new one, which
// its scripts promote; here it is the candidate.
func (s *scene) failoverHook(f *clustermap.Failover) pendingHook {
	return pendingHook{"failover_command", fmt.Sprintf("failover_command-%d-%d", f.ID, f.To), f.From, s.vars(f.From, f.To, s.oldMain(f), f.From)}
}

// followHook is follow_primary_command for one backend.
func (s *scene) followHook(f *clustermap.Failover, b int) pendingHook {
	return pendingHook{"follow_primary_command", fmt.Sprintf("follow_primary_command-%d-%d", f.ID, b), b, s.vars(b, f.To, s.oldMain(f), f.From)}
}

// oldMain is the lowest backend that was attached before the failover.
func (s *scene) oldMain(f *clustermap.Failover) int {
	return s.lowest(func(o *clustermap.Backend) bool { return o.Status == clustermap.Attached || o.ID == f.From })
}

func (s *scene) lowest(counts func(*clustermap.Backend) bool) int {
	low := clustermap.None
	for i := range s.Map.Backends {
		if b := &s.Map.Backends[i]; counts(b) && (low == clustermap.None || b.ID < low) {
			low = b.ID
		}
	}
	return low
}

// vars returns the placeholders of Pgpool-II's commands by letter: d h p D are of the backend that it is about, m H r R
// of the new main one, M is the old main one, P N S are of the old primary.
func (s *scene) vars(about, main, oldMain, oldPrimary int) map[string]string {
	v := map[string]string{"d": strconv.Itoa(about), "m": strconv.Itoa(main), "M": strconv.Itoa(oldMain), "P": strconv.Itoa(oldPrimary)}
	s.place(v, about, "h", "p", "D")
	s.place(v, main, "H", "r", "R")
	s.place(v, oldPrimary, "N", "S", "")
	return v
}

// place adds where a backend is, by the letters for its host, its port and, if there is one, its data directory.
func (s *scene) place(v map[string]string, id int, host, port, data string) {
	b := s.Map.Backend(id)
	if b == nil {
		return
	}
	v[host], v[port] = b.Host, strconv.Itoa(b.Port)
	if data != "" {
		v[data] = s.Policy.Backends[id].Data
	}
}
