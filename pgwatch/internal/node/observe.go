package node

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/agent"
	"github.com/pgcrew/pgcrew/pgwatch/internal/arbiter"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/health"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// freshen is how often positions are reported that nobody calls a change.
const freshen = 100 * time.Millisecond

// An observer makes the reports of a node.
type observer struct {
	self     clustermap.NodeID
	probers  map[int]*health.Prober
	agent    *agent.Agent
	asked    *arbiter.Settings // nil: there are no trusted_servers
	arbiters atomic.Value      // string
	changed  chan struct{}
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
	list := make([]report.Backend, 0, len(o.probers))
	for _, p := range o.probers {
		list = append(list, p.Report())
	}
	return list
}

// hint has a server looked at, because somebody met an error of it.
func (o *observer) hint(backend int) bool {
	p := o.probers[backend]
	if p != nil {
		p.Hint()
	}
	return p != nil
}

func (o *observer) report(epoch uint64) report.Report {
	r := report.Report{Node: o.self, Epoch: epoch, Backends: o.seen(), Local: o.agent.Locals(), Hooks: o.agent.Hooks()}
	r.Arbiters, _ = o.arbiters.Load().(string)
	return r
}

// run observes and reports until ctx ends. tell hands a report on; urgent means at once.
func (o *observer) run(ctx context.Context, epoch func() uint64, tell func(r report.Report, urgent bool)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, p := range o.probers {
		wg.Go(func() { p.Run(ctx) })
	}
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
	every := time.NewTicker(freshen)
	defer every.Stop()
	for {
		urgent := false
		select {
		case <-ctx.Done():
			return
		case <-o.changed:
			urgent = true
		case <-every.C:
		}
		tell(o.report(epoch()), urgent)
	}
}
