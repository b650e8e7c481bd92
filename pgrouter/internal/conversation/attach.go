package conversation

import (
	"fmt"

	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// Attached brings the server connection that World.Attach was asked for.
func (s *Session) Attached(srv *Server) {
	s.Adopt(srv)
	if s.stage == waitAttach {
		s.next.node = srv.Node // the primary may be another node than when it was asked for
		s.stage = ready
		s.w.Retry()
	}
}

// Adopt takes a server connection that is clean.
func (s *Session) Adopt(srv *Server) {
	if s.replay != nil {
		srv.born = s.replay.version
	}
	s.servers = append(s.servers, srv)
}

// AttachFailed says that there is no server connection for the unit that waits. A read goes on to the primary;
// otherwise the client gets why: raw is the server's own ErrorResponse, if it sent one.
func (s *Session) AttachFailed(node int, raw []byte, why *wire.Error) {
	if s.stage != waitAttach {
		return
	}
	s.stage = ready
	if u := &s.next; u.read && node != s.primary() {
		u.node = s.primary()
		s.w.Retry()
		return
	}
	if why == nil {
		why = refusal(raw)
	}
	if s.status != wire.Idle || why.Severity == "FATAL" {
		// A transaction that is open elsewhere cannot go on, and must not look as if it could.
		why.Severity = "FATAL"
		s.stage = ended
		s.w.Close(why)
		return
	}
	s.refuse(wire.AppendError(nil, why))
}

// refusal is a server's FATAL refusal of a connection as an ERROR: the session itself may go on.
func refusal(raw []byte) *wire.Error {
	if len(raw) < wire.HeaderSize {
		return &wire.Error{Code: "08006", Message: "the server refused the connection"}
	}
	_, code, message := wire.ErrorFields(raw[wire.HeaderSize:])
	return &wire.Error{Code: code, Message: message}
}

// Lost says that a server connection broke. It returns true when the client could go on without noticing.
func (s *Session) Lost(srv *Server) bool {
	answering := srv == s.active && srv.owes() && srv.forwards()
	wasHome, tx := s.home == srv, srv.status != wire.Idle
	streaming := srv == s.active && (s.streaming || s.pass > 0 && s.passTo == srv)
	clean := srv.left == 0
	prim := srv.Node == s.primary()
	readOnly := s.begin&route.ReadOnly != 0 && s.begin&route.RepeatableRead == 0
	waiting := s.stage == waitPrologue && s.next.size > 0 && s.next.node == srv.Node
	pinnedHere := prim && s.pinned
	onlyReads := !prim && len(srv.effects) == 0
	s.forget(srv)
	if s.stage == ended {
		return true
	}
	gone := &wire.Error{Severity: "FATAL", Code: "57P01", Message: fmt.Sprintf("the connection to node %d was lost", srv.Node)}
	switch {
	case waiting && !tx && !pinnedHere && (s.next.read || s.status == wire.Idle) && s.repeats < repeatTimes:
		// The unit has not been sent, and another server can be told what this one was being told.
		s.repeats++
		s.next.node = s.primary()
		s.stage = ready
		s.w.Retry()
		return true
	case !answering && !streaming && !tx && !pinnedHere && !waiting:
		// Nothing was in flight and nothing was there that another connection could not have.
		if s.stage == waitDrain {
			s.stage = ready
		}
		s.w.Retry()
		return true
	case !answering && !streaming && tx && !wasHome && !waiting && onlyReads:
		s.here = true // the others go on without it
		return true
	case !answering && !streaming && tx && wasHome && readOnly && !waiting && onlyReads:
		// A READ COMMITTED READ ONLY transaction has nothing that another server could not take over.
		s.home = s.joined()
		s.rebegin = s.home == nil
		s.w.Retry()
		return true
	case answering && !streaming && clean && !tx && onlyReads && s.status == wire.Idle:
		gone.Severity, gone.Code = "ERROR", "08006"
		gone.Message = fmt.Sprintf("the connection to node %d was lost while it ran the statement", srv.Node)
		gone.Hint = "Repeat it: it was a read, and other nodes serve reads."
		var reply []byte
		for n := srv.sent - srv.done; n > 0; n-- {
			reply = wire.AppendReady(wire.AppendError(reply, gone), wire.Idle)
		}
		if srv.hide != 0 {
			reply = wire.AppendError(nil, gone)
			s.skip = true
		}
		s.w.ToClient(reply)
		s.stage = ready
		s.routing.Settle(wire.Idle, true)
		s.w.Retry()
		return false
	}
	if len(srv.lastError) > 0 {
		said := refusal(srv.lastError)
		gone.Code, gone.Message = said.Code, said.Message
	}
	if srv.dying && srv.answered && (answering || streaming) {
		gone = nil // the server said it itself
	}
	s.stage = ended
	if !clean {
		gone = nil // in the middle of a message nothing can be said
	}
	s.w.Close(gone)
	return false
}

// joined is a server that takes part in the open transaction.
func (s *Session) joined() *Server {
	for _, srv := range s.servers {
		if srv.status != wire.Idle {
			return srv
		}
	}
	return nil
}

// lose is Lost for a server that broke the protocol.
func (s *Session) lose(srv *Server) {
	srv.dying = true
	s.w.Drop(srv)
	s.Lost(srv)
}
