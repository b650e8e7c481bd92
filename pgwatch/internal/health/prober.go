// Package health watches the PostgreSQL servers of the cluster, one Prober for each.
//
// A Prober holds one session. Its end is noticed at once, and a login that follows tells what it meant. Over the session
// it looks at role and position a few times a second, and beside it tries whether the server takes new connections, which
// one with a frozen postmaster does not.
package health

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/pgcrew/pgcrew/common/probe"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

const (
	// retryFull and retryDenied are pauses before the next login at a server that lives and lets nobody, or us, in: each
	// is a line in its log. It is knocked at meanwhile.
	retryFull   = time.Second
	retryDenied = 10 * time.Second
	// settle is the least time between two logins that errors bring about.
	settle = 25 * time.Millisecond
)

// Prober watches one server. It never holds more than two connections to it.
type Prober struct {
	how   Settings
	door  probe.Knocker
	hint  chan struct{}
	view  view
	hurry atomic.Int64 // a time.Duration since boot
	wake  chan struct{}

	tried time.Duration // when the last login ended
}

// New prepares to watch a server; Run does it. now is the time since boot. tell is called when the view of the server
// has changed in more than its positions; it must not block.
func New(how Settings, now func() time.Duration, tell func()) *Prober {
	p := &Prober{how: how, hint: make(chan struct{}, 1), wake: make(chan struct{}, 1), tried: now() - settle}
	p.door = probe.Knocker{Login: how.Login, Network: how.Network, Address: how.Address}
	p.view = view{now: now, tell: tell, since: now()}
	p.view.seen = report.Backend{ID: how.ID, Health: report.Unseen}
	return p
}

// Report returns what is known of the server now. After it was lost, what it last said of itself is still there.
func (p *Prober) Report() report.Backend { return p.view.report() }

// Hint says that somebody met an error of the server, or changed it. It is asked anew at once. Hint never blocks, and
// many in a burst are one.
func (p *Prober) Hint() {
	select {
	case p.hint <- struct{}{}:
	default:
	}
}

// Hurry says that the server is about to change, or that somebody waits for its answer: until that time since boot it is
// looked at again and again over the session that there is. Hurry never blocks.
func (p *Prober) Hurry(until time.Duration) {
	if was := p.hurry.Swap(int64(until)); p.view.now() < time.Duration(was) {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// pause is how long to wait before the next look over a session.
func (p *Prober) pause() time.Duration {
	if p.view.now() < time.Duration(p.hurry.Load()) {
		return min(p.how.Period, settle)
	}
	return p.how.Period
}

// Run watches until ctx ends.
func (p *Prober) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if p.how.Login.User == "" {
			p.knock(ctx, report.Well)
			p.nap(ctx, p.how.Period)
			continue
		}
		c, v, err := p.login(ctx)
		if err != nil {
			p.view.verdict(v, health(v), err)
			p.rest(ctx, v)
			continue
		}
		p.view.verdict(v, report.Well, nil)
		p.hold(ctx, c)
	}
}

// rest waits until the next login at a server that did not let us in. Where that takes long it looks meanwhile whether
// the server still lives.
func (p *Prober) rest(ctx context.Context, v probe.Verdict) {
	pause := p.how.Retry
	switch v {
	case probe.Full, probe.Ours:
		pause = retryFull
	case probe.Denied:
		pause = retryDenied
	}
	for end := p.view.now() + pause; p.view.now() < end && ctx.Err() == nil; {
		if p.nap(ctx, min(p.how.Period, end-p.view.now())) {
			return
		}
		if v != probe.Full && v != probe.Denied {
			continue
		}
		if p.knock(ctx, health(v)) != probe.Well {
			return
		}
	}
}

// login opens a session and takes a first look. Otherwise it returns the error, and what that means.
//
// It goes in steps, so that a slow server that answers each of them is not silent for as long as all of them take.
func (p *Prober) login(ctx context.Context) (c *probe.Conn, v probe.Verdict, err error) {
	p.sleep(ctx, p.tried+settle-p.view.now())
	defer func() { p.tried = p.view.now() }()
	v, err = p.step(ctx, func(ctx context.Context) (err error) {
		c, err = p.how.Login.Connect(ctx, p.how.Network, p.how.Address)
		return err
	})
	if err != nil {
		return nil, v, err
	}
	if v, err = p.meet(ctx, c); err != nil {
		c.Close()
		return nil, v, err
	}
	return c, v, nil
}

// meet finds out who the server of a new session is, and looks at it.
func (p *Prober) meet(ctx context.Context, c *probe.Conn) (v probe.Verdict, err error) {
	var id probe.Identity
	v, err = p.step(ctx, func(ctx context.Context) (err error) {
		id, err = c.Identify(ctx)
		return err
	})
	if err != nil {
		return v, err
	}
	var got *probe.Sample
	v, err = p.step(ctx, func(ctx context.Context) (err error) {
		got, err = c.Sample(ctx)
		return err
	})
	if err == nil {
		got.Identity = id
		p.view.facts(got)
	}
	return v, err
}

// step is an attempt that alone does not make the server well: who it is has to be known, too.
func (p *Prober) step(ctx context.Context, ask func(context.Context) error) (probe.Verdict, error) {
	v, err := p.attempt(ctx, ask)
	if err == nil {
		p.view.stirred()
	}
	return v, err
}

// knock asks for any sign of life. well is how the server looks when it gives one.
func (p *Prober) knock(ctx context.Context, well report.Health) probe.Verdict {
	v, err := p.attempt(ctx, func(ctx context.Context) error {
		return p.door.Knock(ctx)
	})
	h := health(v)
	if v == probe.Well {
		h = well
	}
	p.view.verdict(v, h, err)
	return v
}

// attempt asks the server something and returns what the answer means. While none comes, each period is a failure.
func (p *Prober) attempt(ctx context.Context, ask func(context.Context) error) (probe.Verdict, error) {
	p.view.begin()
	began := p.view.now()
	done := make(chan error, 1)
	go func() { done <- ask(ctx) }()
	patience := time.NewTicker(p.how.Period)
	defer patience.Stop()
	for {
		select {
		case err := <-done:
			p.view.checked(began, err)
			return probe.Judge(err), err
		case <-patience.C:
			p.view.unanswered()
		}
	}
}

// sleep waits for d, or until ctx ends.
func (p *Prober) sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// nap is sleep that a hint ends; it tells whether one did.
func (p *Prober) nap(ctx context.Context, d time.Duration) bool {
	select {
	case <-p.hint:
		return true
	case <-ctx.Done():
	case <-time.After(d):
	}
	return false
}

// health is how a server looks of which we have a verdict. Ours is none.
func health(v probe.Verdict) report.Health {
	switch v {
	case probe.Well:
		return report.Well
	case probe.Starting:
		return report.Starting
	case probe.Stopping:
		return report.Stopping
	case probe.Full:
		return report.Full
	case probe.Denied:
		return report.Denied
	case probe.Refused:
		return report.Refused
	case probe.Silent:
		return report.Silent
	default:
		return report.Unseen
	}
}
