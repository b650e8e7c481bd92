package authority

import (
	"sync"
	"time"
)

// inboxLimit is how many messages wait at most. More come only when this process is held up for long, and then what they
// say is old.
const inboxLimit = 4096

// An inbox holds what goes to the Core, in its order.
type inbox struct {
	bell chan struct{} // rings when there is something

	mu sync.Mutex
	in []func(now time.Duration, c *Core)
}

// put adds what must not be lost.
func (b *inbox) put(f func(now time.Duration, c *Core)) { b.add(f, false) }

// offer adds what may be lost.
func (b *inbox) offer(f func(now time.Duration, c *Core)) { b.add(f, true) }

func (b *inbox) add(f func(now time.Duration, c *Core), lossy bool) {
	b.mu.Lock()
	if !lossy || len(b.in) < inboxLimit {
		b.in = append(b.in, f)
	}
	b.mu.Unlock()
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

func (b *inbox) take() []func(now time.Duration, c *Core) {
	b.mu.Lock()
	defer b.mu.Unlock()
	in := b.in
	b.in = nil
	return in
}
