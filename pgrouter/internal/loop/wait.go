package loop

import (
	"time"

	"golang.org/x/sys/unix"
)

// shortWait is how long the loop waits without telling the scheduler, in milliseconds. Under load the next event comes
// sooner; the scheduler then neither takes the processor away and back, which costs more than the work itself, nor has
// its monitor thread look every 20 microseconds. A stop of the world does not wait for it: the signal ends the call.
const shortWait = 10

// visited is for how long after a Post from outside the loop waits with the other goroutines and not alone.
const visited = 100 * time.Millisecond

// While events nearly all come within shortGap of the one before, the loop waits alone in any case: their number would
// make the shared wait dear.
const (
	shortGap  = time.Millisecond
	longPrice = 8 // a short gap counts one, a longer one takes this off
	busyFrom  = 32
	busyMost  = 64
)

// woke notes that a wait has ended.
func (l *Loop) woke(now time.Time) {
	if now.Sub(l.now) < shortGap {
		l.busy = min(l.busy+1, busyMost)
	} else {
		l.busy = max(l.busy-longPrice, 0)
	}
	l.now = now
}

// wait waits for events.
func (l *Loop) wait(events []unix.EpollEvent) (int, error) {
	l.asleep.Store(true)
	defer l.asleep.Store(false)
	if l.pending() {
		return epollRaw(l.epfd, events, 0), nil
	}
	if l.now.Sub(l.visit) >= visited || l.busy >= busyFrom || !l.join() {
		l.part()
		return l.waitAlone(events)
	}
	var tick time.Time
	if l.tick != nil {
		tick = l.next
	}
	return l.shared.wait(tick, events)
}

func (l *Loop) pending() bool {
	return len(l.again) > 0 || l.mail.Load()
}

// waitAlone waits shortly by a raw system call, then by one that gives the processor to other goroutines.
func (l *Loop) waitAlone(events []unix.EpollEvent) (int, error) {
	if l.greedy {
		if n := epollRaw(l.epfd, events, shortWait); n > 0 {
			return n, nil
		}
	} else if n := epollRaw(l.epfd, events, 0); n > 0 {
		return n, nil
	}
	timeout := -1
	if l.tick != nil {
		timeout = max(0, int(time.Until(l.next)/time.Millisecond)+1)
	}
	n, err := unix.EpollWait(l.epfd, events, timeout)
	if err == unix.EINTR {
		return 0, nil
	}
	return n, err
}
