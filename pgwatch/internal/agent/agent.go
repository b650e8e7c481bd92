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
	Server *postmaster.Server // nil when it is on another host
	Far    bool               // it is, so that nothing is told of it; what a login can do may be ordered all the same
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
	workers staff

	mu         sync.Mutex
	hooks      []report.HookDone
	begun      map[string]bool // hooks and recoveries, by ID
	wanted     []report.Order
	wake       chan struct{}
	rewake     chan struct{}     // for recoveries
	recoveries map[int]*recovery // by backend: the newest of each
}

// hookHistory is how many hooks are remembered. The leader looks for the newest.
const hookHistory = 32

// New reads what the agent has promised before.
func New(c Config) (*Agent, error) {
	a := &Agent{Config: c, begun: map[string]bool{}, recoveries: map[int]*recovery{},
		wake: make(chan struct{}, 1), rewake: make(chan struct{}, 1)}
	for _, b := range c.Backends {
		w, err := newWorker(a, b)
		if err != nil {
			return nil, err
		}
		a.workers.list = append(a.workers.list, w)
	}
	return a, nil
}

// Obey takes the orders that stand now, instead of those before. promised is the newest epoch that a failover was to open: a
// recovery from before that is ended. It does not block.
func (a *Agent) Obey(orders []report.Order, promised uint64) {
	a.mu.Lock()
	a.wanted = orders
	for _, r := range a.recoveries {
		if r.told.Epoch < promised {
			r.end(errFailover)
		}
		if slices.ContainsFunc(orders, func(o report.Order) bool { return o.End && o.ID == r.told.ID }) {
			r.end(errGivenUp)
		}
	}
	a.mu.Unlock()
	ring(a.wake)
	ring(a.rewake)
	for _, w := range a.workers.all() {
		w.obey(orders)
	}
}

// Locals is what the agent knows of the backends of its host.
func (a *Agent) Locals() []report.Local {
	var list []report.Local
	for _, w := range a.workers.all() {
		if !w.far {
			list = append(list, w.local())
		}
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
	wg.Go(func() { a.workers.work(ctx) })
	wg.Go(func() { a.runHooks(ctx) })
	wg.Go(func() { a.runRecoveries(ctx) })
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
		for o, ok := a.next(report.DoHook); ok; o, ok = a.next(report.DoHook) {
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

// next is an order of that kind, each of which is carried out once, that was not begun. It is from then on.
func (a *Agent) next(op report.Op) (report.Order, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.wanted {
		if o.Op == op && !o.End && !a.begun[o.ID] {
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
