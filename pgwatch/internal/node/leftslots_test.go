package node

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/agent"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

func TestLeftServers(t *testing.T) {
	m := clustermap.Map{Backends: servers(0, 1, 2), Primary: &clustermap.Primary{}}
	var l leftServers
	l.see(&clustermap.Map{}, 0)
	l.see(&m, 0)
	l.see(&clustermap.Map{}, 0) // of a node that has lost its state
	if _, ok := l.due(0); ok {
		t.Error("somebody is gone")
	}
	m.Backends = servers(0)
	m.Backends = append(m.Backends, clustermap.Backend{ID: 1, Host: "h2", Port: 5001}) // another server with the number 1
	l.see(&m, time.Second)
	for _, want := range []string{"h:5001", "h:5002"} {
		g, ok := l.due(time.Second)
		if !ok || g.addr() != want {
			t.Errorf("%s is due: %v, want %s", g.addr(), ok, want)
		}
		l.tried(g, time.Second, errors.New("the primary is away"))
	}
	if g, ok := l.due(time.Second + leftRetry - 1); ok {
		t.Errorf("%s is tried again at once", g.addr())
	}
	g, ok := l.due(time.Second + leftRetry)
	if !ok || !g.failed {
		t.Error("nobody is tried again")
	}
	l.tried(g, time.Second+leftRetry, nil)
	m.Backends = append(m.Backends, servers(2)...) // it is back
	l.see(&m, time.Minute)
	if len(l.gone) > 0 {
		t.Errorf("%+v", l.gone)
	}
	m.Backends = servers(0)
	l.see(&m, time.Minute)
	if late := l.late(time.Minute + leftLimit - 1); len(late) > 0 {
		t.Errorf("too early: %+v", late)
	}
	if late := l.late(time.Minute + leftLimit); len(late) != 2 || len(l.gone) > 0 {
		t.Errorf("%+v is late, %+v is not", late, l.gone)
	}
}

// A fed node gets its Views from the test.
type fed struct {
	Crew
	views chan authority.View
}

func (f fed) Watch() (<-chan authority.View, func()) { return f.views, func() {} }

// The leader drops the slot. One that follows it, and does not know that it was done, makes sure.
func TestLeftSlotIsDropped(t *testing.T) {
	s := newSquad(t)
	dir := t.TempDir()
	script := filepath.Join(dir, "pgrecover")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"$@\" >>"+dir+"/calls\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	called := func(want string) func() bool {
		return func() bool {
			text, _ := os.ReadFile(filepath.Join(dir, "calls"))
			return string(text) == want
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var feeds []fed
	for _, n := range s.nodes {
		f := fed{n.crew, make(chan authority.View)}
		n.crew, feeds = f, append(feeds, f)
		n.programs = &agent.Programs{Recoverer: script, Config: "c", Log: slog.New(slog.DiscardHandler)}
		wg.Go(func() { n.dropLeftSlots(ctx) })
	}
	tell := func() {
		for _, f := range feeds {
			f.views <- f.View()
		}
	}
	tell()
	s.apply(clustermap.Command{Configure: &clustermap.Configure{Backends: []clustermap.Backend{{ID: 0, Host: "a", Port: 5432}}}})
	tell()
	const call = "drop-slot --config c --host b --port 5432 --to 0\n"
	eventually(t, "it is dropped", called(call))
	s.lead(1)
	tell()
	eventually(t, "the new leader makes sure", called(call+call))
}
