package door

import (
	"sync"
	"time"
)

// How a Guard counts.
const (
	freeTries   = 5                // failures in a row that cost nothing, for those who mistype
	longestWait = time.Minute      // between two tries, after many failures
	memory      = 10 * time.Minute // failures are forgotten when so long nothing happened
	maxStrikes  = 4096             // addresses that are remembered at a time
)

// A Guard slows down those who guess passwords: after some failures an address must wait before its next try, a second at
// first, then twice as long each time. Other addresses are not concerned.
type Guard struct {
	now func() time.Time

	mu      sync.Mutex
	strikes map[string]strike
}

// strike is what an address has done.
type strike struct {
	failures int
	last     time.Time // of the newest failure
	until    time.Time // no try before
}

// NewGuard makes a Guard that knows nobody. now is the clock, such as time.Now.
func NewGuard(now func() time.Time) *Guard { return &Guard{now: now, strikes: map[string]strike{}} }

// Try calls right, unless the address must wait. right is called with others waiting, so it must be quick; that way tries
// that come together count one after the other. wait is how long the address must wait from now on.
func (g *Guard) Try(from string, right func() bool) (ok bool, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	s := g.strikes[from]
	if wait = s.until.Sub(now); wait > 0 {
		return false, wait
	}
	if right() {
		delete(g.strikes, from)
		return true, 0
	}
	if now.Sub(s.last) >= memory {
		s = strike{}
	}
	s.failures++
	s.last = now
	if extra := s.failures - freeTries; extra >= 0 {
		wait = min(time.Second<<min(extra, 10), longestWait)
		s.until = now.Add(wait)
	}
	g.note(from, s)
	return false, max(0, wait)
}

// note remembers s, and forgets others when it must: first those whose time is over, else the oldest.
func (g *Guard) note(from string, s strike) {
	if _, known := g.strikes[from]; !known && len(g.strikes) >= maxStrikes {
		oldest, least := "", s.last
		for address, other := range g.strikes {
			if s.last.Sub(other.last) >= memory {
				delete(g.strikes, address)
			} else if !other.last.After(least) {
				oldest, least = address, other.last
			}
		}
		if len(g.strikes) >= maxStrikes {
			delete(g.strikes, oldest)
		}
	}
	g.strikes[from] = s
}
