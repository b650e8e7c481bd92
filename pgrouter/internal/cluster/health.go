package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/common/probe"
)

// HealthStats counts the health checks of one node since its start, as SHOW POOL_HEALTH_CHECK_STATS shows them. Times
// are zero where there was none.
type HealthStats struct {
	NodeID                                      int
	Total, Success, Fail, Skip                  uint64
	Retries, MaxRetries                         uint64
	MinDuration, MaxDuration, SumDuration       time.Duration // of checks that were made, with their retries
	Last, LastSuccess, LastSkipped, LastFailure time.Time
}

// AverageRetries is the number of retries for a check that was not skipped.
func (h HealthStats) AverageRetries() float64 {
	if made := h.Total - h.Skip; made > 0 {
		return float64(h.Retries) / float64(made)
	}
	return 0
}

// AverageMillis is the mean length in milliseconds of a check that was not skipped.
func (h HealthStats) AverageMillis() float64 {
	if made := h.Total - h.Skip; made > 0 {
		return float64(h.SumDuration) / float64(time.Millisecond) / float64(made)
	}
	return 0
}

// checker makes the health checks of one node: a login with the health check's own user, and its end. It works beside
// the follower, which knows more and knows it sooner, because a login is what clients need, and because the user asked
// for this period, these retries and this limit.
type checker struct {
	id      int
	node    Node // where TCP leads
	how     health
	follow  *follower
	tell    func(change)
	present func() *Map

	mu    sync.Mutex
	stats HealthStats
}

// health is how a checker does its work.
type health struct {
	probe.Login
	period  time.Duration // 0: no checks
	retries int
	delay   time.Duration // before each retry
}

// run checks until ctx ends.
func (h *checker) run(ctx context.Context) {
	sick, told := false, false // what was told before this one ran may be wrong by now
	for {
		pause := h.how.period
		if sick {
			pause = min(pause, time.Second)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if n := h.present().Node(h.id); n != nil && n.PGStatus != "up" && !sick {
			// The follower has found it gone, and looks for its return.
			h.skip(time.Now())
			continue
		}
		err := h.check(ctx)
		if ctx.Err() != nil {
			return
		}
		cond, ok := judge(err)
		fault := ""
		if ok && cond == dead {
			fault = "health check: " + err.Error()
			h.follow.bell.ring(verify)
		}
		if sick || fault != "" || !told {
			told = true
			h.tell(change{id: h.id, apply: func(s *state) { s.health(h.id, fault) }})
		}
		sick = fault != ""
	}
}

// check makes one check with its retries. An error that the server itself sent is returned without a retry, unless it
// says that the server is starting or stopping.
func (h *checker) check(ctx context.Context) error {
	began := time.Now()
	var err error
	tries := uint64(0)
	for {
		if err = h.try(ctx); err == nil || int(tries) >= h.how.retries {
			break
		}
		if c, _ := judge(err); c == alive {
			break
		}
		tries++
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(h.how.delay):
		}
	}
	c, ok := judge(err)
	h.count(began, time.Now(), tries, ok && c == alive)
	return err
}

func (h *checker) try(ctx context.Context) error {
	network, address := probe.Address(h.node.Host, h.node.Port)
	c, err := h.how.Connect(ctx, network, address)
	if err != nil {
		return err
	}
	c.Close()
	return nil
}

func (h *checker) skip(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stats.Total++
	h.stats.Skip++
	h.stats.Last, h.stats.LastSkipped = now, now
}

func (h *checker) count(began, now time.Time, retries uint64, good bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &h.stats
	took := now.Sub(began)
	if s.Total == s.Skip || took < s.MinDuration {
		s.MinDuration = took
	}
	s.MaxDuration = max(s.MaxDuration, took)
	s.SumDuration += took
	s.Total++
	s.Retries += retries
	s.MaxRetries = max(s.MaxRetries, retries)
	s.Last = now
	if good {
		s.Success++
		s.LastSuccess = now
	} else {
		s.Fail++
		s.LastFailure = now
	}
}

// snapshot returns the counts so far.
func (h *checker) snapshot() HealthStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stats
}
