// Package hub hands the events of pgwatch to everybody who listens: standard output and the followers of the
// control socket.
//
// Whoever decides calls Publish, which never blocks. A listener that is slow loses lines and gets resync and a
// snapshot instead; one that takes nothing for two seconds is let go.
package hub

import (
	"context"
	"io"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
)

const (
	queueLength = 256             // lines that may wait for one listener
	patience    = 2 * time.Second // for one line, where the writer knows deadlines
)

// A Config is what a Hub needs to know. No member may be empty.
type Config struct {
	Origin event.Origin
	Clock  event.Clock
	Hello  event.Hello
	// Snapshot returns all there is to know. It must not block, and must not call the Hub.
	Snapshot func() (event.Snapshot, event.At)
}

// A Hub has any number of listeners.
type Hub struct {
	Config

	mu        sync.Mutex
	listeners map[*listener]bool
	closed    bool
}

// New makes a Hub.
func New(c Config) *Hub { return &Hub{Config: c, listeners: map[*listener]bool{}} }

// line is an event that waits. It carries the time of its making, because a lease counts from there.
type line struct {
	d         event.Payload
	at        event.At
	sinceBoot time.Duration
	now       time.Time
}

// Publish gives d to all listeners, with the present time.
func (h *Hub) Publish(d event.Payload, at event.At) {
	sinceBoot, now := h.Clock()
	l := line{d, at, sinceBoot, now}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	for s := range h.listeners {
		s.offer(l)
	}
}

// Close says goodbye to all listeners: Serve returns when its listener has read what there is.
func (h *Hub) Close(reason string) {
	h.Publish(event.Bye{Reason: reason}, event.At{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.listeners {
		s.close()
	}
}

// Serve writes the stream to w until ctx ends, the Hub is closed or w fails, whose error it returns. types are
// patterns such as vip.* of the events that are wanted; none means all.
func (h *Hub) Serve(ctx context.Context, w io.Writer, types []string) error {
	s := h.join(types)
	if s == nil {
		return nil
	}
	defer h.leave(s)
	defer context.AfterFunc(ctx, s.close)()
	var stamp line
	out := event.NewWriter(within{w}, h.Origin, func() (time.Duration, time.Time) { return stamp.sinceBoot, stamp.now })
	for {
		lines, ok := s.take()
		for _, stamp = range lines {
			if err := out.Write(stamp.d, stamp.at); err != nil {
				return err
			}
		}
		if !ok {
			return nil
		}
	}
}

// join adds a listener, whose first lines are hello and a snapshot. It is nil when the Hub is closed.
func (h *Hub) join(types []string) *listener {
	s := &listener{hub: h, types: types, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	s.queue = append(s.queue, h.fresh(h.Hello, event.At{}), h.snapshot())
	s.ring()
	h.listeners[s] = true
	return s
}

func (h *Hub) leave(s *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, s)
}

func (h *Hub) fresh(d event.Payload, at event.At) line {
	sinceBoot, now := h.Clock()
	return line{d, at, sinceBoot, now}
}

func (h *Hub) snapshot() line {
	d, at := h.Snapshot()
	return h.fresh(d, at)
}

// wants tells whether a listener wants a type of event.
func wants(patterns []string, kind string) bool {
	return len(patterns) == 0 || kind == event.TypeBye || slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, kind)
		return err == nil && ok
	})
}

// within gives each write a deadline where the writer knows one.
type within struct{ io.Writer }

func (w within) Write(b []byte) (int, error) {
	if d, ok := w.Writer.(interface{ SetWriteDeadline(time.Time) error }); ok {
		d.SetWriteDeadline(time.Now().Add(patience)) // a regular file has none, and does not block
	}
	return w.Writer.Write(b)
}
