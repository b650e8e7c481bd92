package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A squad is three nodes that agree at once and reach each other, unless a test says otherwise. Backend 0 is the primary.
type squad struct {
	t     *testing.T
	nodes [3]*Node

	mu      sync.Mutex
	m       clustermap.Map
	term    uint64
	leader  clustermap.NodeID
	away    map[clustermap.NodeID]bool
	stopped [3]bool
	resigns int
	changed chan struct{} // closed and replaced at each change
}

// A seat is one node's place in a squad.
type seat struct {
	Crew
	*squad
	id clustermap.NodeID
}

func newSquad(t *testing.T) *squad {
	s := &squad{t: t, term: 1, leader: 0, away: map[clustermap.NodeID]bool{}, changed: make(chan struct{})}
	s.apply(clustermap.Command{Configure: &clustermap.Configure{Cluster: "c", Backends: []clustermap.Backend{{ID: 0, Host: "a", Port: 5432}, {ID: 1, Host: "b", Port: 5432}}}})
	s.apply(clustermap.Command{Found: &clustermap.Primary{Backend: 0}})
	for i := range s.nodes {
		id := clustermap.NodeID(i)
		s.apply(clustermap.Command{Member: &clustermap.Member{ID: id, Host: string(rune('a' + i)), Port: 9000, Router: 9999, System: "Linux x"}})
		dir := t.TempDir()
		n := &Node{Settings: crew(t, i, fmt.Sprintf("run_directory = '%s'\nunix_socket_directories = '%s'\nrecovery_timeout = 1\nbackend_hostname1 = 'b'\nbackend_port1 = 5432\n", dir, dir)),
			log: slog.New(slog.DiscardHandler), clock: func() time.Duration { return time.Duration(time.Now().UnixNano()) }, crew: &seat{nil, s, id}}
		n.latest.Store(n.Settings)
		n.stop = func() { s.mu.Lock(); defer s.mu.Unlock(); s.stopped[i] = true }
		s.nodes[i] = n
	}
	return s
}

func (s *squad) apply(c clustermap.Command) (clustermap.Rev, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.m.Apply(s.m.Index+1, c)
	s.m = m
	close(s.changed)
	s.changed = make(chan struct{})
	return m.Rev(), err
}

// lead makes another node the leader.
func (s *squad) lead(id clustermap.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leader, s.term = id, s.term+1
}

func (s *seat) View() authority.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := authority.View{Term: s.term, Leader: s.leader, Leading: s.leader == s.id, Quorum: authority.Full, Map: s.m.Clone(), Voters: []clustermap.NodeID{0, 1, 2}}
	for id := range clustermap.NodeID(3) {
		if !s.away[id] {
			v.Alive = append(v.Alive, id)
		}
	}
	return v
}

func (s *seat) Propose(_ context.Context, c clustermap.Command) (clustermap.Rev, error) {
	return s.apply(c)
}

func (s *seat) Request(ctx context.Context, to clustermap.NodeID, body []byte) ([]byte, error) {
	s.mu.Lock()
	away := s.away[to]
	s.mu.Unlock()
	if away {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return s.nodes[to].serveOrder(ctx, body), nil
}

func (s *seat) Resign(context.Context, clustermap.NodeID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resigns++
	return nil
}

func (s *seat) Watch() (<-chan authority.View, func()) {
	ctx, stop := context.WithCancel(context.Background())
	out := make(chan authority.View)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			s.mu.Lock()
			changed := s.changed
			s.mu.Unlock()
			select {
			case out <- s.View():
			case <-ctx.Done():
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	})
	return out, func() { stop(); wg.Wait() }
}

// ask asks a node over what would be its control socket.
func (s *squad) ask(ctx context.Context, id int, op string, args any, result any) error {
	text, err := json.Marshal(args)
	if err != nil {
		s.t.Fatal(err)
	}
	d, err := s.nodes[id].handle(ctx, control.Peer{}, control.Request{Op: op, Args: text})
	if err != nil || result == nil {
		return err
	}
	if text, err = json.Marshal(d); err != nil {
		s.t.Fatal(err)
	}
	return json.Unmarshal(text, result)
}

// planned has the leader's planner say how recoveries and standbys stand.
func (s *squad) planned(id clustermap.NodeID, known []report.Recovery, seen map[int]failover.Standby) {
	n := s.nodes[id]
	v := n.crew.View()
	n.planner.wishes.of(v.Term)
	n.planner.wishes.planned(&failover.Plan{Recoveries: known, Standbys: seen}, &v.Map)
}

// wished are the wishes of the leader.
func (s *squad) wished(id clustermap.NodeID) []failover.Wish {
	return s.nodes[id].planner.wishes.of(s.nodes[id].crew.View().Term)
}

// tool answers on a socket of a node's host, as another tool would, and returns what it was asked.
func (s *squad) tool(id int, socket string, answer func(r control.Request) (any, error)) (asked func() []string) {
	s.t.Helper()
	server, err := control.Listen(filepath.Join(s.nodes[id].Config.String("run_directory"), socket), 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	var mu sync.Mutex
	var list []string
	var wg sync.WaitGroup
	wg.Go(func() {
		server.Serve(context.Background(), func(_ context.Context, _ control.Peer, r control.Request) (any, error) {
			mu.Lock()
			list = append(list, r.Op+string(r.Args))
			mu.Unlock()
			return answer(r)
		})
	})
	s.t.Cleanup(func() { server.Close(); wg.Wait() })
	return func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(list) }
}

func obeys(control.Request) (any, error) { return nil, nil }
