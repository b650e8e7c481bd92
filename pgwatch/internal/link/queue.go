package link

import (
	"sync"
	"time"
)

// What waits for a peer is bounded for each kind, and in time: a message that waited while there was no connection is of
// no use much later, as its sender has repeated it.
const (
	maxWaiting      = 256
	maxWaitingBytes = 4 << 20
	maxWait         = 500 * time.Millisecond
)

// A queue has the messages that wait to be sent to one peer.
type queue struct {
	ready chan struct{} // has something when there is something to take
	mu    sync.Mutex
	lanes [Answer + 1]lane // by kind
}

// A lane has messages of one kind, oldest first.
type lane struct {
	list  []waiting
	bytes int
}

type waiting struct {
	Message
	since time.Time
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// put adds a message. The oldest of its kind go when there are too many.
func (q *queue) put(now time.Time, m Message) {
	q.mu.Lock()
	l := &q.lanes[m.Kind]
	l.list = append(l.list, waiting{m, now})
	l.bytes += len(m.Body)
	for len(l.list) > maxWaiting || l.bytes > maxWaitingBytes {
		l.bytes -= len(l.list[0].Body)
		l.list[0] = waiting{} // its body is not needed any more
		l.list = l.list[1:]
	}
	q.mu.Unlock()
	raise(q.ready)
}

// take removes all messages and returns those that are not too old, kind by kind.
func (q *queue) take(now time.Time) []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []Message
	for k := range q.lanes {
		for _, w := range q.lanes[k].list {
			if now.Sub(w.since) <= maxWait {
				all = append(all, w.Message)
			}
		}
		q.lanes[k] = lane{}
	}
	return all
}

// raise sets a flag that a goroutine waits for; the flag is a channel with room for one.
func raise(flag chan struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}
