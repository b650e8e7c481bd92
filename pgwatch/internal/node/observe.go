package node

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/agent"
	"github.com/pgcrew/pgcrew/pgwatch/internal/arbiter"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/health"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

const (
	// freshen is how often positions are reported that nobody calls a change.
	freshen = 100 * time.Millisecond
	// hurried is the same while the leader waits for an answer of a server.
	hurried = 25 * time.Millisecond
	// hurryFor is how long it may wait for one.
	hurryFor = 500 * time.Millisecond
)

// An observer makes the reports of a node.
type observer struct {
	self     clustermap.NodeID
	clock    func() time.Duration
	agent    *agent.Agent
	asked    *arbiter.Settings // nil: there are no trusted_servers
	arbiters atomic.Value      // string
	changed  chan struct{}
	hurry    atomic.Int64 // a time.Duration since boot

	mu      sync.Mutex
	probers map[int]*prober
	begin   func(*prober) // runs one; nil before run
}

// A prober is a health.Prober with what it was made of.
type prober struct {
	*health.Prober
	how  health.Settings
	stop context.CancelFunc // nil while it does not run
}

func newObserver(self clustermap.NodeID, clock func() time.Duration) *observer {
	return &observer{self: self, clock: clock, probers: map[int]*prober{}, changed: make(chan struct{}, 1)}
}

// set has a server watched, or watched in another way.
func (o *observer) set(how health.Settings) {
	o.mu.Lock()
	defer o.mu.Unlock()
	old := o.probers[how.ID]
	if old != nil && reflect.DeepEqual(old.how, how) {
		return
	}
	p := &prober{Prober: health.New(how, o.clock, o.ring), how: how}
	o.probers[how.ID] = p
	if old != nil && old.stop != nil {
		old.stop()
	}
	if o.begin != nil {
		o.begin(p)
	}
}

// setAll has these servers watched and no others.
func (o *observer) setAll(list []health.Settings) {
	for _, how := range list {
		o.set(how)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, p := range o.probers {
		if slices.ContainsFunc(list, func(how health.Settings) bool { return how.ID == id }) {
			continue
		}
		delete(o.probers, id)
		if p.stop != nil {
			p.stop()
		}
	}
}

// ring says that something changed which the leader should hear of now.
func (o *observer) ring() {
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// seen is what this node sees of the servers.
func (o *observer) seen() []report.Backend {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]report.Backend, 0, len(o.probers))
	for _, p := range o.probers {
		list = append(list, p.Report())
	}
	return list
}

// hint has a server looked at, because somebody met an error of it.
func (o *observer) hint(backend int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.probers[backend]
	if p != nil {
		p.Hint()
	}
	return p != nil
}

// rush looks at all servers again and again, and reports what it sees, for a while. A call meanwhile only prolongs that: each
// report brings an answer of the leader, which may be the reason for the call.
func (o *observer) rush() {
	until, begins := o.clock()+hurryFor, !o.rushes()
	o.hurry.Store(int64(until))
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.probers {
		p.Hurry(until)
	}
	if begins {
		o.ring()
	}
}

// rushes tells whether somebody waits for what is seen.
func (o *observer) rushes() bool { return o.clock() < time.Duration(o.hurry.Load()) }

func (o *observer) report(epoch uint64) report.Report {
	r := report.Report{Node: o.self, Epoch: epoch, Backends: o.seen(), Local: o.agent.Locals(), Hooks: o.agent.Hooks(), Recoveries: o.agent.Recoveries()}
	r.Arbiters, _ = o.arbiters.Load().(string)
	return r
}

// run observes and reports until ctx ends. tell hands a report on; urgent means at once.
func (o *observer) run(ctx context.Context, epoch func() uint64, tell func(r report.Report, urgent bool)) {
	var wg sync.WaitGroup
	defer func() {
		o.mu.Lock()
		o.begin = nil
		o.mu.Unlock()
		wg.Wait()
	}()
	o.mu.Lock()
	o.begin = func(p *prober) {
		life, stop := context.WithCancel(ctx)
		p.stop = stop
		wg.Go(func() { defer stop(); p.Run(life) })
	}
	for _, p := range o.probers {
		o.begin(p)
	}
	o.mu.Unlock()
	wg.Go(func() { o.agent.Run(ctx) })
	if o.asked != nil {
		wg.Go(func() {
			o.asked.Watch(ctx, func(word string) {
				if o.arbiters.Swap(word) != word {
					o.ring()
				}
			})
		})
	}
	for {
		pause, urgent := freshen, o.rushes()
		if urgent {
			pause = hurried
		}
		select {
		case <-ctx.Done():
			return
		case <-o.changed:
			urgent = true
		case <-time.After(pause):
		}
		tell(o.report(epoch()), urgent)
	}
}
