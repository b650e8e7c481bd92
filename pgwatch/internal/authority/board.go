package authority

import "sync"

// A board shows the newest View.
type board struct {
	mu       sync.Mutex
	newest   View
	watchers map[chan View]bool
}

func (b *board) view() View {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.newest
}

func (b *board) publish(v View) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.newest = v
	for w := range b.watchers {
		select {
		case <-w: // it has not been looked at, and is out of date
		default:
		}
		w <- v
	}
}

func (b *board) watch() (<-chan View, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := make(chan View, 1)
	w <- b.newest
	if b.watchers == nil {
		b.watchers = map[chan View]bool{}
	}
	b.watchers[w] = true
	return w, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, w)
	}
}
