package health

import "time"

// Checks counts how often a server was asked something, as pcp_health_check_stats shows it. Times are since boot; 0 is never.
type Checks struct {
	Total, Success, Fail uint64
	Retry                uint64 // those made because the one before failed
	MaxRetry             uint64 // most of them in a row

	Max, Min, Sum               time.Duration // of those that succeeded
	Last, LastSuccess, LastFail time.Duration

	failing uint64 // checks that failed in a row, up to now
}

// count takes note of a check that began and ended at these times.
func (c *Checks) count(began, ended time.Duration, err error) {
	c.Total++
	c.Last = ended
	if c.failing > 0 {
		c.Retry++
		c.MaxRetry = max(c.MaxRetry, c.failing)
	}
	if err != nil {
		c.Fail++
		c.failing++
		c.LastFail = ended
		return
	}
	took := ended - began
	if c.Success++; c.Success == 1 {
		c.Min = took
	}
	c.Min, c.Max, c.Sum = min(c.Min, took), max(c.Max, took), c.Sum+took
	c.failing, c.LastSuccess = 0, ended
}

// Checks returns how the server was asked so far.
func (p *Prober) Checks() Checks {
	p.view.mu.Lock()
	defer p.view.mu.Unlock()
	return p.view.checks
}

// checked counts one check.
func (v *view) checked(began time.Duration, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.checks.count(began, v.now(), err)
}
