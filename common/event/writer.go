package event

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// Origin is what all lines of one writer have in common.
type Origin struct{ Cluster, Node, Boot string }

// A Clock tells the time since the boot, sleep included, and the time of day. SystemClock is one.
type Clock func() (sinceBoot time.Duration, now time.Time)

// At places an event in the history of the cluster. What does not apply stays 0.
type At struct{ Index, Term, Epoch uint64 }

// A Writer numbers events and writes each as one line with one Write. It may be used by several
// goroutines.
type Writer struct {
	mu     sync.Mutex
	w      io.Writer
	from   Origin
	clock  Clock
	seq    uint64
	broken error
}

// NewWriter returns a Writer of a new stream, whose first line has the number 1.
func NewWriter(w io.Writer, from Origin, clock Clock) *Writer {
	return &Writer{w: w, from: from, clock: clock}
}

// Write writes d as the next line. After an error of the underlying writer the stream may end within
// a line, so every later call returns the same error; a line that is too long is not written and
// uses no number.
func (w *Writer) Write(d Payload, at At) error {
	body, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("write event %s: %w", d.EventType(), err)
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken
	}
	sinceBoot, now := w.clock()
	line, err := json.Marshal(Event{
		V: Version, Type: d.EventType(), Seq: w.seq + 1,
		Index: at.Index, Term: at.Term, Epoch: at.Epoch,
		Cluster: w.from.Cluster, Node: w.from.Node, Boot: w.from.Boot,
		MonoMS: sinceBoot.Milliseconds(), TS: Time{now}, D: body,
	})
	if err != nil {
		return fmt.Errorf("write event %s: %w", d.EventType(), err)
	}
	if len(line)+1 > MaxLine {
		return fmt.Errorf("write event %s: %d bytes, the limit is %d", d.EventType(), len(line)+1, MaxLine)
	}
	w.seq++
	if _, err := w.w.Write(append(line, '\n')); err != nil {
		w.broken = fmt.Errorf("write event %s: %w", d.EventType(), err)
	}
	return w.broken
}
