// Package follow reads pgwatch's events: from standard input, or from its socket, to which it comes back when the
// connection ends.
package follow

import (
	"io"

	"github.com/pgcrew/pgcrew/common/event"
)

// An Item is an event, or the end of a stream.
type Item struct {
	Event event.Event
	End   error // why the stream ended: io.EOF when it simply did; nil for an event
}

// Reader hands out the events of r, and at last an Item with its End. It cannot be stopped, because a read from
// a pipe cannot: it ends with r.
func Reader(r io.Reader) <-chan Item {
	items := make(chan Item)
	go func() {
		defer close(items)
		read(r, func(i Item) bool { items <- i; return true })
	}()
	return items
}

// read gives the events of r to put, until that says false or r ends.
func read(r io.Reader, put func(Item) bool) {
	in := event.NewReader(r)
	for {
		e, err := in.Next()
		if !put(Item{Event: e, End: err}) || err != nil {
			return
		}
	}
}
