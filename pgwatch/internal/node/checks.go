package node

import (
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/health"
)

// checks is how a server was asked by this node; nil when it was not.
func (o *observer) checks(backend int) *CheckStatus {
	o.mu.Lock()
	p := o.probers[backend]
	o.mu.Unlock()
	if p == nil {
		return nil
	}
	return checkStatus(p.Checks(), time.Now().Add(-o.clock()))
}

// checkStatus shows times since boot as times of day.
func checkStatus(c health.Checks, boot time.Time) *CheckStatus {
	at := func(d time.Duration) time.Time {
		if d == 0 {
			return time.Time{}
		}
		return boot.Add(d)
	}
	s := &CheckStatus{Total: c.Total, Success: c.Success, Fail: c.Fail, Retry: c.Retry, MaxRetry: c.MaxRetry, MaxMS: c.Max.Milliseconds(), MinMS: c.Min.Milliseconds(),
		Last: at(c.Last), LastSuccess: at(c.LastSuccess), LastFail: at(c.LastFail)}
	if c.Success > 0 {
		s.AverageMS = float64(c.Sum.Microseconds()) / 1000 / float64(c.Success)
	}
	return s
}
