package proxy

import (
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
	"github.com/pgcrew/pgcrew/pgrouter/internal/conversation"
	"github.com/pgcrew/pgcrew/pgrouter/internal/loop"
	"github.com/pgcrew/pgcrew/pgrouter/internal/pool"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// kind is what idle server connections are kept by.
type kind struct {
	id   *identity
	node int
}

type item = pool.Item[kind, *server]

// A server is one server connection on a loop. It is the loop's Handler for it.
type server struct {
	sh       *shard
	conn     *loop.Conn
	conv     *conversation.Server
	owner    *client // nil while it is idle
	id       *identity
	node     int
	place    cluster.Place
	epoch    uint64
	born     time.Time
	sessions int    // how many have used it
	target   cancel // where and how to cancel what it runs
	cancels  int    // cancel requests on their way: it must not go to another client before they are done
	released bool   // it waits for them
	haunted  bool   // a cancel request may still come to effect: it must not go to another client any more
	gone     bool
}

// Data implements loop.Handler.
func (s *server) Data(b []byte) int {
	if s.owner != nil {
		return s.owner.conv.FromServer(s.conv, b)
	}
	return s.idleData(b)
}

// idleData looks at what a server says while nobody uses it.
func (s *server) idleData(b []byte) int {
	n := 0
	for {
		typ, size, ok := wire.Header(b[n:])
		if !ok || n+size > len(b) && size < 64<<10 {
			return n
		}
		if size < wire.HeaderSize || n+size > len(b) || typ == wire.ErrorResponse || typ == wire.ReadyForQuery {
			s.sh.discard(s) // it ends, or it is out of step
			return len(b)
		}
		if typ == wire.ParameterStatus {
			s.id.forget() // its configuration was reloaded: the next client hears the new values
		}
		n += size
	}
}

// Drained implements loop.Handler.
func (s *server) Drained() {
	if s.owner != nil {
		s.owner.serverDrained()
	}
}

// Closed implements loop.Handler.
func (s *server) Closed(err error) {
	if s.gone {
		return
	}
	s.gone = true
	s.sh.lost(s, err)
}
