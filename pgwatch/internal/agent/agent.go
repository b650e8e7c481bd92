// Package agent carries out the leader's orders on its own host.
//
// Orders say what is to be. The agent compares them with what is, does what is missing, one thing at a time for each
// backend, and tries again while an order stands that did not work. What it has promised it keeps on disk first.
package agent

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A Backend is a server that the agent may have to act on.
type Backend struct {
	ID     int
	Server *postmaster.Server // nil when it is on another host, where no pgwatch runs
}

// Config is what an agent needs.
type Config struct {
	Dir      string // for what must not be forgotten
	Backends []Backend
	Hands    Hands
	Hook     func(ctx context.Context, o report.Order) error // runs a configured command
	Log      *slog.Logger
	// Changed is called when Locals or Hooks have something new. It must not block.
	Changed func()
}

// An Agent obeys. Its methods may be called from any goroutine.
type Agent struct {
	Config
	workers []*worker

	mu     sync.Mutex
	hooks  []report.HookDone
	begun  map[string]bool // hooks, by ID
	wanted []report.Order
	wake   chan struct{}
}

// hookHistory is how many hooks are remembered. The leader looks for the newest.
const hookHistory = 32

// New reads what the agent has promised before.
func New(c Config) (*Agent, error) {
	a := &Agent{Config: c, begun: map[string]bool{}, wake: make(chan struct{}, 1)}
	for _, b := range c.Backends {
		w, err := newWorker(a, b)
		if err != nil {
			return nil, err
		}
		a.workers = append(a.workers, w)
	}
	return a, nil
}

// Obey takes the orders that stand now, instead of those before. It does not block.
func (a *Agent) Obey(orders []report.Order) {
	a.mu.Lock()
	a.wanted = orders
	a.mu.Unlock()
	ring(a.wake)
	for _, w := range a.workers {
		w.obey(orders)
	}
}

// Locals is what the agent knows of the backends of its host.
func (a *Agent) Locals() []report.Local {
	var list []report.Local
	for _, w := range a.workers {
		list = append(list, w.local())
	}
	return list
}

// Hooks are the configured commands that have ended here.
func (a *Agent) Hooks() []report.HookDone {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.hooks)
}

// Run obeys until ctx ends. What is under way then is broken off, and its order will be given again.
func (a *Agent) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, w := range a.workers {
		wg.Go(func() { w.run(ctx) })
	}
	wg.Go(func() { a.runHooks(ctx) })
	wg.Wait()
}

// runHooks runs the hooks that are ordered, one after another as Pgpool-II does, each once.
func (a *Agent) runHooks(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		}
		for o, ok := a.nextHook(); ok; o, ok = a.nextHook() {
			done := report.HookDone{ID: o.ID}
			if err := a.Hook(ctx, o); err != nil {
				done.Err = err.Error()
			}
			a.mu.Lock()
			a.hooks = append(a.hooks, done)
			a.hooks = a.hooks[max(0, len(a.hooks)-hookHistory):]
			a.mu.Unlock()
			a.Changed()
		}
	}
}

func (a *Agent) nextHook() (report.Order, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.wanted {
		if o.Op == report.DoHook && !a.begun[o.ID] {
			a.begun[o.ID] = true
			return o, true
		}
	}
	return report.Order{}, false
}

// ring wakes whoever waits at c, or will.
func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// retry is how long an order that did not work is left alone.
const retry = time.Second
