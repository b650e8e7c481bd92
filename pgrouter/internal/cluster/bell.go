package cluster

import (
	"context"
	"sync"
	"time"
)

// signal is what a follower may be asked to do.
type signal uint8

const (
	look   signal = 1 << iota // ask for role and position on the connection that is there
	verify                    // log in anew: somebody met an error
)

// bell wakes one goroutine out of its waiting. A signal that nobody waits for is kept.
type bell struct {
	mu      sync.Mutex
	rung    signal
	mask    signal
	release func()
}

// ring never blocks.
func (b *bell) ring(s signal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rung |= s
	if b.release != nil && b.rung&b.mask != 0 {
		b.release()
	}
}

// take returns and forgets what was rung.
func (b *bell) take() signal {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.rung
	b.rung = 0
	return s
}

// listen returns a context that ends when one of the signals is or was rung, after d, or with ctx. stop must be called.
func (b *bell) listen(ctx context.Context, mask signal, d time.Duration) (until context.Context, stop func()) {
	until, cancel := context.WithTimeout(ctx, d)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mask, b.release = mask, cancel
	if b.rung&mask != 0 {
		cancel()
	}
	return until, func() {
		b.mu.Lock()
		b.release = nil
		b.mu.Unlock()
		cancel()
	}
}
