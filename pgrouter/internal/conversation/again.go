package conversation

import (
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

const (
	// repeatLimit is the longest batch that is kept to be sent again, in bytes.
	repeatLimit = 4 << 10
	// repeatTimes bounds how often, so that a server which ends every session at once does not keep one busy for ever.
	// It is more than once because pooled connections to a server that has stopped all tell so.
	repeatTimes = 16
)

// keep keeps a batch outside of a transaction that is all the server has to do.
//
// A batch that begins with a Parse, Bind, Describe or Close can be told to have not begun: a server answers each of
// these before it comes to an Execute, and a FATAL error goes out behind all answers before it. A Query has no such
// answer; a server that is stopped ends it with the same words whether it had read it or was in the middle of it.
func (s *Session) keep(srv *Server, b []byte) {
	if s.next.end != wire.Sync || len(b) > repeatLimit || s.status != wire.Idle || srv.sent-srv.done != 1 || s.next.follows {
		return
	}
	switch b[0] {
	case wire.Parse, wire.Bind, wire.Describe, wire.Close:
		srv.batch = append(srv.batch, b...)
	}
}

// Repeats reports whether there is something to do without input of the client.
func (s *Session) Repeats() bool { return len(s.again) > 0 }

// untouched tells whether an ErrorResponse is a server's farewell to a session that it took for idle, while a batch
// was on its way. The batch, and what it made, may then be had on another connection.
func (s *Session) untouched(srv *Server, body []byte) bool {
	if len(srv.batch) == 0 || srv.sent-srv.done != 1 || srv != s.active || srv.answered || s.pinned || s.repeats == repeatTimes || s.stage != ready && s.stage != waitDrain {
		return false
	}
	severity, code, _ := wire.ErrorFields(body)
	return severity == "FATAL" && (code == "57P01" || code == "57P05") // it stops or an operator ends it; idle_session_timeout
}

// repeat takes back a batch that its server has not begun, and has it sent again to a server that is there.
func (s *Session) repeat(srv *Server) {
	s.w.CountError(srv.Node, "FATAL")
	s.again = srv.batch
	s.repeats++
	srv.done++
	s.parsesFailed(srv)
	s.closesSettle(srv, true)
	clear(s.portals)
	s.boundAt = -1
	s.routing.Settle(wire.Idle, true)
	if s.stage == waitDrain {
		s.unplace()
		s.stage = ready
	}
	s.discard(srv)
	s.w.Retry()
}
