package node

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// standby is how the leader sees backend 1.
func standby(change func(*failover.Standby)) map[int]failover.Standby {
	s := failover.Standby{Backend: report.Backend{ID: 1, Health: report.Well, Standby: true, SystemID: "7", For: time.Minute}, Follows: true}
	change(&s)
	return map[int]failover.Standby{1: s}
}

func (s *squad) status(b int) clustermap.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.Backend(b).Status
}

func TestAttach(t *testing.T) {
	for name, c := range map[string]struct {
		backend int
		change  func(*failover.Standby)
		want    string
	}{
		"a standby":         {1, func(*failover.Standby) {}, ""},
		"the primary":       {0, func(*failover.Standby) {}, ""},
		"nobody":            {9, func(*failover.Standby) {}, "node id 9 is not valid"},
		"another cluster's": {1, func(s *failover.Standby) { s.Foreign, s.Follows = true, false }, "belongs to another cluster"},
		"a second primary":  {1, func(s *failover.Standby) { s.Standby, s.Follows = false, false }, "is a primary, and backend 0 is"},
		"a dead one":        {1, func(s *failover.Standby) { s.Health, s.Err, s.Follows = report.Refused, "no", false }, "backend 1 is refused: no"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSquad(t)
			s.apply(clustermap.Command{Backend: &clustermap.SetBackend{ID: 1, Status: clustermap.Detached}})
			s.planned(0, nil, standby(c.change))
			err := s.ask(t.Context(), 1, OpAttach, BackendArgs{Node: c.backend}, nil)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			if attached := s.status(1) == clustermap.Attached; attached != (c.want == "" && c.backend == 1) {
				t.Errorf("it is %s", s.status(1))
			}
			if err != nil && c.backend == 1 && !strings.Contains(err.Error(), "pcp_recovery_node 1") {
				t.Errorf("what mends it is not said: %v", err)
			}
		})
	}
}

// A follow_primary_command attaches its server before anybody has seen it stream.
func TestAttachWaits(t *testing.T) {
	s := newSquad(t)
	s.apply(clustermap.Command{Backend: &clustermap.SetBackend{ID: 1, Status: clustermap.Down}})
	s.planned(0, nil, standby(func(s *failover.Standby) { s.Follows = false }))
	ended := make(chan error, 1)
	go func() { ended <- s.ask(t.Context(), 1, OpAttach, BackendArgs{Node: 1}, nil) }()
	time.Sleep(2 * lookPause)
	s.planned(0, nil, standby(func(*failover.Standby) {}))
	if err := <-ended; err != nil || s.status(1) != clustermap.Attached {
		t.Errorf("%v, it is %s", err, s.status(1))
	}
}

func TestDetach(t *testing.T) {
	s := newSquad(t)
	if err := s.ask(t.Context(), 1, OpDetach, DetachArgs{Node: 1}, nil); err != nil || s.status(1) != clustermap.Detached {
		t.Fatalf("%v, it is %s", err, s.status(1))
	}
	for backend, want := range map[int]string{9: "node id 9 is not valid", 1: "invalid degenerate backend request, node id : 1 status: [3] is not valid for failover"} {
		var said *control.Error
		if err := s.ask(t.Context(), 1, OpDetach, DetachArgs{Node: backend}, nil); !errors.As(err, &said) || said.Msg != want {
			t.Errorf("%d: %v", backend, err)
		}
	}
	// The primary: a failover begins, and its end is waited for.
	ended := make(chan error, 1)
	go func() { ended <- s.ask(t.Context(), 1, OpDetach, DetachArgs{Node: 0}, nil) }()
	running := func() *clustermap.Failover { s.mu.Lock(); defer s.mu.Unlock(); return s.m.Failover }
	eventually(t, "a failover", func() bool { return running() != nil })
	f := running()
	if f.Kind != clustermap.Detach || f.From != 0 || f.To != clustermap.None {
		t.Errorf("%+v", f)
	}
	s.apply(clustermap.Command{Advance: &clustermap.Advance{ID: f.ID, State: clustermap.Failed, Err: "nobody can take its place"}})
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "nobody can take its place") {
		t.Errorf("%v", err)
	}
}

// A graceful detach waits until no router has a session on the server, and not for ever.
func TestDetachGracefully(t *testing.T) {
	s := newSquad(t)
	var last atomic.Int64 // the asking before the one that finds nobody; 0: all find somebody
	var asked atomic.Int64
	s.tool(2, routerSocket, func(control.Request) (any, error) {
		used := 2
		if n := asked.Add(1); last.Load() > 0 && n > last.Load() {
			used = 0
		}
		return map[string]any{"nodes": []map[string]any{{"id": 0, "used": 5}, {"id": 1, "used": used}}}, nil
	})
	err := s.ask(t.Context(), 1, OpDetach, DetachArgs{Node: 1, Graceful: true}, nil)
	if err == nil || !strings.Contains(err.Error(), "2 sessions use backend 1 still, after 1s") || s.status(1) != clustermap.Attached {
		t.Errorf("%v, it is %s", err, s.status(1))
	}
	last.Store(asked.Load() + 2)
	if err := s.ask(t.Context(), 1, OpDetach, DetachArgs{Node: 1, Graceful: true}, nil); err != nil || s.status(1) != clustermap.Detached {
		t.Errorf("%v, it is %s", err, s.status(1))
	}
}
