package keeper

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgvip/internal/address"
	"github.com/pgcrew/pgcrew/pgvip/internal/hold"
)

// keeping is one address: its Machine, which the goroutine of Run asks, and its Taker, which has one of its own, because
// commands take their time.
type keeping struct {
	keeper  *Keeper
	address address.Address
	machine *hold.Machine
	taker   Taker
	log     *slog.Logger

	work     chan func()
	cancel   context.CancelFunc // of the job that runs
	cleaned  bool               // what an earlier pgvip left is removed
	stopping bool
	left     error // the address could not be given up
}

// queue is how many pieces of work may wait. A job is never waited for with another one behind it; the rest is renewals
// and announcements, which come again.
const queue = 16

func (g *keeping) start() {
	g.work = make(chan func(), queue)
	g.keeper.wait.Go(func() {
		for f := range g.work {
			f()
		}
	})
	g.do(g.machine.Start(g.keeper.now()))
}

// rule tells the Machine what the events add up to, and the time.
func (g *keeping) rule(v hold.Verdict, now time.Duration) {
	if g.left != nil {
		return
	}
	before, _, _ := g.machine.State()
	g.do(g.machine.Wake(now))
	g.do(g.machine.Rule(v, now))
	if after, _, reason := g.machine.State(); after != before {
		g.log.Debug("state", "state", string(after), "reason", reason)
	}
}

// settled says that there is nothing to wait for before the program may end.
func (g *keeping) settled() bool {
	state, _, _ := g.machine.State()
	return g.left != nil || g.cleaned && (!g.stopping || state == hold.Down)
}

// do starts what the Machine wants done.
func (g *keeping) do(actions []hold.Action) {
	for _, each := range actions {
		switch a := each.(type) {
		case hold.Probe:
			g.job(func(ctx context.Context) func(time.Duration) {
				mac := g.taker.Probe(ctx)
				return func(now time.Duration) { g.do(g.machine.Probed(a.Job, mac, now)) }
			})
		case hold.Claim:
			g.job(func(ctx context.Context) func(time.Duration) {
				err := g.taker.Claim(ctx, a.Token, a.Lifetime)
				return func(now time.Duration) { g.claimed(a, err, now) }
			})
		case hold.Release:
			g.job(func(ctx context.Context) func(time.Duration) {
				found, err := g.taker.Release(ctx)
				return func(now time.Duration) { g.released(a, found, err, now) }
			})
		case hold.Cancel:
			g.cancel()
		case hold.Renew:
			g.beside(func() error { return g.taker.Renew(a.Lifetime) }, g.notRenewed)
		case hold.Announce:
			g.beside(g.taker.Announce, g.notAnnounced)
		case hold.Report:
			g.report(a.Event)
		}
	}
}

// job runs f, which can be cancelled, and posts what it returns.
func (g *keeping) job(f func(context.Context) func(time.Duration)) {
	ctx, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	g.work <- func() {
		defer cancel()
		g.keeper.post(f(ctx))
	}
}

// beside runs f unless too much waits already, and posts its error.
func (g *keeping) beside(f func() error, failed func(error, time.Duration)) {
	if len(g.work) >= queue/2 {
		return
	}
	g.work <- func() {
		if err := f(); err != nil {
			g.keeper.post(func(now time.Duration) { failed(err, now) })
		}
	}
}

func (g *keeping) claimed(a hold.Claim, err error, now time.Duration) {
	if err == nil {
		g.log.Info("the address is taken", "token", a.Token)
	} else {
		g.log.Error("the address cannot be taken", "token", a.Token, "err", err)
	}
	g.do(g.machine.Claimed(a.Job, err, now))
}

func (g *keeping) released(a hold.Release, found bool, err error, now time.Duration) {
	switch {
	case err != nil:
		g.log.Error("the address cannot be given up", "reason", a.Reason, "err", err)
		if g.stopping {
			g.left = fmt.Errorf("give up %s: %w", g.address, err)
		}
	case g.cleaned || found:
		g.log.Info("the address is given up", "reason", a.Reason)
	}
	g.cleaned = true
	g.do(g.machine.Released(a.Job, err, now))
}

func (g *keeping) notRenewed(err error, now time.Duration) {
	g.log.Error("the address cannot be kept", "err", err)
	g.do(g.machine.NotRenewed(err, now))
}

func (g *keeping) notAnnounced(err error, now time.Duration) {
	g.log.Warn("the address cannot be announced, it is tried again", "err", err)
	g.machine.NotAnnounced(now)
}

// report completes what the Machine reports.
func (g *keeping) report(d event.Payload) {
	place := func(r event.VIPReport) event.VIPReport {
		r.Addr, r.Dev = g.address.IP.String(), g.address.Dev
		return r
	}
	switch e := d.(type) {
	case event.VIPUp:
		d = event.VIPUp{VIPReport: place(e.VIPReport)}
	case event.VIPDown:
		d = event.VIPDown{VIPReport: place(e.VIPReport)}
	case event.VIPConflict:
		g.log.Warn("another host has the address", "mac", e.MAC)
		d = event.VIPConflict{VIPReport: place(e.VIPReport)}
	}
	g.keeper.Report(d)
}
