// Package crew runs the parts of one host together and ends them in order.
package crew

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/part"
)

// Limits of an end in order.
const (
	handover  = 10 * time.Second // for leadership and address, before the router begins to end
	patience  = 40 * time.Second // until what does not end is killed; of the router from the order to end on, and never in mode smart
	impatient = 5 * time.Second  // the same in mode immediate
	askLimit  = 2 * time.Second  // for the router to take an order
)

// A Crew is the parts of a host.
type Crew struct {
	Router *part.Part
	Others []*part.Part // end before it
	// Drain makes the router end as the mode says; with an error it gets SIGTERM instead.
	Drain func(ctx context.Context, m Mode) error
	Log   *slog.Logger
}

// all returns every part.
func (c *Crew) all() []*part.Part { return append([]*part.Part{c.Router}, c.Others...) }

// Run keeps the parts running until a mode comes from orders, and then ends them. A later mode that is faster counts from
// then on. The error is that of the first part that does not take the configuration.
func (c *Crew) Run(orders <-chan Mode) error {
	parts := c.all()
	refused := make(chan error, len(parts))
	var wg sync.WaitGroup
	for _, p := range parts {
		wg.Go(func() {
			if err := p.Run(); err != nil {
				refused <- err
			}
		})
	}
	var err error
	mode := Fast
	select {
	case mode = <-orders:
	case err = <-refused:
	}
	c.end(mode, orders)
	wg.Wait()
	for len(refused) > 0 {
		err = errors.Join(err, <-refused)
	}
	return err
}

// Ready waits until every part was ready once, or ctx ends. It is false when a part has ended for good.
func (c *Crew) Ready(ctx context.Context) bool {
	for _, p := range c.all() {
		select {
		case <-p.Ready():
		case <-p.Done():
			return false
		case <-ctx.Done():
		}
	}
	return true
}

// Reload makes all parts read their configuration again.
func (c *Crew) Reload() {
	for _, p := range c.all() {
		p.Reload()
	}
}

// States tells how the parts are.
func (c *Crew) States() (all []part.State) {
	for _, p := range c.all() {
		all = append(all, p.State())
	}
	return all
}

// end ends the parts. Clients who come by the virtual address find another host before this router turns them away.
func (c *Crew) end(mode Mode, orders <-chan Mode) {
	c.Log.Info("stopping", "mode", mode.String())
	for _, p := range c.Others {
		p.Retire()
		p.Signal(syscall.SIGTERM)
	}
	c.Router.Retire()
	others := gone(c.Others)
	killOthers := time.After(limit(mode))
	drain := time.After(handover)
	if mode == Immediate {
		drain = now()
	}
	var killRouter <-chan time.Time
	draining := false
	for router := c.Router.Done(); router != nil || others != nil; {
		select {
		case <-others:
			others, killOthers = nil, nil
			if !draining {
				drain = now()
			}
		case <-router:
			router, killRouter, drain = nil, nil, nil
		case <-drain:
			drain, draining = nil, true
			killRouter = c.drain(mode)
		case m := <-orders:
			if m <= mode {
				continue
			}
			mode = m
			c.Log.Info("stopping faster", "mode", mode.String())
			if mode == Immediate {
				killOthers = time.After(limit(mode))
			}
			if draining || mode == Immediate {
				drain = now()
			}
		case <-killOthers:
			c.kill(c.Others...)
		case <-killRouter:
			c.kill(c.Router)
		}
	}
}

// drain tells the router to end, and returns when it is to be killed.
func (c *Crew) drain(mode Mode) <-chan time.Time {
	if !c.Router.State().Ready {
		c.Router.Signal(syscall.SIGTERM) // it has no clients, if it runs at all
		return time.After(limit(mode))
	}
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	if err := c.Drain(ctx, mode); err != nil {
		c.Log.Warn("pgrouter cannot be told how to end, and ends when open transactions have or shutdown_timeout has passed", "err", err)
		c.Router.Signal(syscall.SIGTERM)
	}
	if mode == Smart {
		return nil
	}
	return time.After(limit(mode))
}

// kill ends what did not end in time.
func (c *Crew) kill(parts ...*part.Part) {
	for _, p := range parts {
		if s := p.State(); s.PID > 0 {
			c.Log.Error("a part does not end and is killed", "part", p.Name, "pid", s.PID)
			p.Signal(syscall.SIGKILL)
		}
	}
}

// limit is how long a part may take to end.
func limit(mode Mode) time.Duration {
	if mode == Immediate {
		return impatient
	}
	return patience
}

// now is a time that has come.
func now() <-chan time.Time { return time.After(0) }

// gone is closed when all parts have ended for good.
func gone(parts []*part.Part) <-chan struct{} {
	all := make(chan struct{})
	go func() {
		defer close(all)
		for _, p := range parts {
			<-p.Done()
		}
	}()
	return all
}
