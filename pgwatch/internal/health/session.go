package health

import (
	"context"
	"time"

	"github.com/pgcrew/pgcrew/common/probe"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// session is a session on a server, and when to try beside it whether others would get one.
type session struct {
	*probe.Conn
	knock, renew time.Duration // when it is time for that
	failing      bool          // the last such try failed: that the session answers does not make the server well
}

func (p *Prober) session(c *probe.Conn) *session {
	now := p.view.now()
	return &session{Conn: c, knock: now + p.how.Knock, renew: now + p.how.Renew}
}

// hold looks again and again until the session ends, or holds up a server that shuts down. It closes it.
func (p *Prober) hold(ctx context.Context, c *probe.Conn) {
	s := p.session(c)
	defer func() { s.Close() }()
	for ctx.Err() == nil {
		hinted, ended := p.idle(ctx, s)
		if ended || ctx.Err() != nil {
			return
		}
		if hinted {
			s.renew = p.view.now()
		}
		p.look(ctx, s)
		fresh, stopping := p.reach(ctx, s)
		if stopping {
			return
		}
		if fresh != nil {
			s.Close()
			s = p.session(fresh)
		}
	}
}

// idle waits until it is time for the next look. It tells whether that is because of a hint, and whether the session has
// ended.
func (p *Prober) idle(ctx context.Context, s *session) (hinted, ended bool) {
	until, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Idle(until) }()
	pause := p.pause()
	if s.failing {
		pause = p.how.Retry
	}
	select {
	case err := <-done:
		cancel()
		return false, err != nil
	case <-p.hint:
		hinted = true
	case <-p.wake:
	case <-time.After(pause):
	}
	cancel()
	return hinted, <-done != nil
}

// look asks over the session. After an error, hold finds out whether the session has ended.
func (p *Prober) look(ctx context.Context, s *session) {
	var got *probe.Sample
	v, err := p.attempt(ctx, func(ctx context.Context) (err error) {
		got, err = s.Sample(ctx)
		return err
	})
	if err == nil {
		p.view.facts(got)
	}
	switch {
	case s.failing:
	case v == probe.Silent:
		p.view.verdict(v, report.Silent, err)
	case v == probe.Well, v == probe.Denied: // an answer is an answer
		p.view.verdict(v, report.Well, err)
	}
	// What else ends a session is not yet the end of the server: the next login tells.
}

// reach tries, when it is time, whether the server takes connections besides ours. A login that worked gives the next
// session. stopping says that the server wants to shut down, and may be waiting for our session.
func (p *Prober) reach(ctx context.Context, s *session) (fresh *probe.Conn, stopping bool) {
	now := p.view.now()
	var v probe.Verdict
	switch {
	case s.failing, now >= s.renew:
		var err error
		fresh, v, err = p.login(ctx)
		switch {
		case err == nil, v == probe.Full, v == probe.Denied: // the session that we have answers
			p.view.verdict(v, report.Well, err)
		default:
			p.view.verdict(v, health(v), err)
		}
		s.renew = p.view.now() + p.how.Renew
	case now >= s.knock:
		v = p.knock(ctx, report.Well)
	default:
		return nil, false
	}
	s.knock = p.view.now() + p.how.Knock
	s.failing = v == probe.Refused || v == probe.Silent || v == probe.Starting
	return fresh, v == probe.Stopping
}
