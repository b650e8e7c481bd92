package link

import "time"

const (
	shortestPause = 20 * time.Millisecond
	longestPause  = 500 * time.Millisecond
)

// A backoff says how long to pause before the next attempt. Its zero value begins with the shortest.
type backoff struct{ least time.Duration }

// next returns a pause between a length that doubles each time and twice that, by jitter in [0,1), so that nodes that lost
// each other at the same moment do not call at the same moment.
func (b *backoff) next(jitter float64) time.Duration {
	b.least = min(max(2*b.least, shortestPause), longestPause/2)
	return b.least + time.Duration(jitter*float64(b.least))
}

func (b *backoff) reset() { b.least = 0 }
