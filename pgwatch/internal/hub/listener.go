package hub

import (
	"sync"

	"github.com/pgcrew/pgcrew/common/event"
)

// A listener holds the lines that one reader has not had yet.
type listener struct {
	hub   *Hub
	types []string
	wake  chan struct{} // holds one token while there is something to take

	mu    sync.Mutex
	queue []line
	lost  uint64 // lines dropped since the queue overflowed; then the rest waits for a snapshot
	done  bool
}

// offer keeps a line, or drops everything when too much waits already. The Hub is locked.
func (s *listener) offer(l line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !wants(s.types, l.d.EventType()):
		return
	case s.lost > 0:
		s.lost++
	case len(s.queue) >= queueLength:
		s.lost = uint64(len(s.queue)) + 1
		s.queue = nil
	default:
		s.queue = append(s.queue, l)
	}
	s.ring()
}

// take waits for lines and returns them; ok is false when no more come.
func (s *listener) take() (lines []line, ok bool) {
	<-s.wake
	// The order of locks is the Hub's first, so that no event comes between the snapshot and what follows it.
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	lines, s.queue = s.queue, nil
	if s.lost > 0 {
		lines = append(lines, s.hub.fresh(event.Resync{Lost: s.lost}, event.At{}), s.hub.snapshot())
		s.lost = 0
	}
	return lines, !s.done
}

func (s *listener) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	s.ring()
}

func (s *listener) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
