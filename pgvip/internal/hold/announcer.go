package hold

import "time"

// burst is when an address that was just taken is announced: a single frame may be lost.
var burst = [...]time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond}

const (
	regularly = 10 * time.Second       // between two announcements, for neighbours that missed the others
	defend    = time.Second            // between two bursts against another holder
	unsent    = 500 * time.Millisecond // after an announcement that could not be sent
)

// An announcer knows when to announce.
type announcer struct {
	began time.Duration
	sent  int // of the burst
	next  time.Duration
}

// begin starts a burst.
func (a *announcer) begin(now time.Duration) { *a = announcer{began: now, next: now} }

// again starts a burst, or when one began just now makes an announcement come as soon as one is due again: two hosts that
// both defend must not fill the network.
func (a *announcer) again(now time.Duration) {
	if now >= a.began+defend {
		a.begin(now)
	} else {
		a.next = min(a.next, a.began+defend)
	}
}

// soon makes the next announcement come early.
func (a *announcer) soon(now time.Duration) { a.next = min(a.next, now+unsent) }

// due says whether to announce now, and plans the next one.
func (a *announcer) due(now time.Duration) bool {
	if now < a.next {
		return false
	}
	if a.sent++; a.sent < len(burst) {
		a.next = a.began + burst[a.sent]
	} else {
		a.next = now + regularly
	}
	return true
}
