// Package keeper runs pgvip hold: it brings events, the time and the work on each address together.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgvip/internal/address"
	"github.com/pgcrew/pgcrew/pgvip/internal/follow"
	"github.com/pgcrew/pgcrew/pgvip/internal/hold"
)

// A Taker takes one address and gives it up. One goroutine calls it; Cancel of a context must make it return soon.
type Taker interface {
	Probe(ctx context.Context) (mac string)
	Claim(ctx context.Context, token uint64, lifetime time.Duration) error
	Renew(lifetime time.Duration) error
	Announce() error
	Release(ctx context.Context) (found bool, err error)
	Close()
}

// Config is what a Keeper needs. No member may be empty.
type Config struct {
	Tracker *hold.Tracker
	Patient bool // as hold.New has it
	Clock   event.Clock
	Log     *slog.Logger
	Report  func(d event.Payload) // gets vip.up, vip.down and vip.conflict; must not block
	Ready   func()                // called once what an earlier pgvip left is removed
	Socket  bool                  // a stream that ends is followed by another one
}

// A Keeper keeps addresses. Add all of them, then Run.
type Keeper struct {
	Config
	each  []*keeping
	input chan func(now time.Duration) // results of work, and what is heard from outside
	asked chan chan []Status
	done  chan struct{}
	wait  sync.WaitGroup
	self  atomic.Pointer[self]
}

// self is who we are, as the stream says.
type self struct{ cluster, node string }

// New returns a Keeper without addresses.
func New(c Config) *Keeper {
	k := &Keeper{Config: c, input: make(chan func(time.Duration)), asked: make(chan chan []Status), done: make(chan struct{})}
	k.self.Store(&self{})
	return k
}

// Self returns the names of the cluster and of this node, as the stream says; "" before it did. Any goroutine may ask.
func (k *Keeper) Self() (cluster, node string) {
	s := k.self.Load()
	return s.cluster, s.node
}

// Add adds an address. make builds its Taker, to which it gives what to call when another host is heard to have it.
func (k *Keeper) Add(a address.Address, make func(heard func(mac string)) Taker) {
	g := &keeping{keeper: k, address: a, machine: hold.New(k.Patient), log: k.Log.With("addr", a.IP.String(), "dev", a.Dev)}
	g.taker = make(func(mac string) { k.post(func(now time.Duration) { g.do(g.machine.Conflict(mac, now)) }) })
	k.each = append(k.each, g)
}

// LinkUp says that an interface works again. It returns at once when the Keeper has ended.
func (k *Keeper) LinkUp(dev string) {
	k.post(func(now time.Duration) {
		for _, g := range k.each {
			if g.address.Dev == dev {
				g.do(g.machine.LinkUp(now))
			}
		}
	})
}

// post gives f to the goroutine of Run.
func (k *Keeper) post(f func(now time.Duration)) {
	select {
	case k.input <- f:
	case <-k.done:
	}
}

// Run keeps the addresses as items say, until ctx ends or items do. However it ends, it gives them up first. The
// error says why the input cannot be read further, or which address may still be there.
func (k *Keeper) Run(ctx context.Context, items <-chan follow.Item) error {
	for _, g := range k.each {
		g.start()
	}
	err := k.follow(ctx, items)
	for _, g := range k.each {
		err = errors.Join(err, g.left)
	}
	close(k.done)
	for _, g := range k.each {
		close(g.work)
		g.taker.Close()
	}
	k.wait.Wait()
	return err
}

// follow is the loop. Once it is to stop it goes on until all addresses are given up.
func (k *Keeper) follow(ctx context.Context, items <-chan follow.Item) (err error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	stopped := ctx.Done()
	stop := func(reason string) {
		stopped, items = nil, nil
		k.Tracker.Lost(reason)
		for _, g := range k.each {
			g.stopping = true
		}
	}
	ready := false
	for {
		now := k.now()
		settled := true
		for _, g := range k.each {
			g.rule(k.Tracker.Verdict(), now)
			settled = settled && g.settled()
		}
		if settled && stopped == nil {
			return err
		}
		if !ready && settled {
			ready = true
			k.Ready()
		}
		timer.Reset(k.pause())
		select {
		case <-stopped:
			stop("pgvip stops")
		case item, ok := <-items:
			switch {
			case ok && item.End == nil:
				k.event(item.Event)
			case ok && k.Socket:
				k.Tracker.Lost("the connection to pgwatch has ended")
			case ok && item.End != io.EOF:
				err = fmt.Errorf("read events: %w", item.End)
				stop("the input cannot be read")
			default:
				stop("the input has ended")
			}
		case f := <-k.input:
			f(k.now())
		case answer := <-k.asked:
			answer <- k.status()
		case <-timer.C:
		}
	}
}

func (k *Keeper) event(e event.Event) {
	if remark := k.Tracker.Event(e, k.now()); remark != nil {
		k.Log.Warn("a line is not obeyed", "err", remark)
	}
	if cluster, node := k.Tracker.Self(); *k.self.Load() != (self{cluster, node}) {
		k.self.Store(&self{cluster, node})
	}
}

func (k *Keeper) now() time.Duration {
	now, _ := k.Clock()
	return now
}

// longestPause bounds the sleep of the loop: timers stand still while the host sleeps, and leases do not.
const longestPause = 250 * time.Millisecond

// pause returns how long nothing is due.
func (k *Keeper) pause() time.Duration {
	pause := longestPause
	for _, g := range k.each {
		if next := g.machine.Next(); next > 0 {
			pause = min(pause, max(0, next-k.now()))
		}
	}
	return pause
}
