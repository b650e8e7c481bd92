package conversation

import (
	"bytes"

	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// streamFrom is the size from which a server's message is passed on in pieces whatever it is, in bytes.
const streamFrom = 16 << 10

// A Server is one server connection as its session sees it.
type Server struct {
	Node int
	Conn any // the driver's own

	sent, done uint32 // units sent, and ReadyForQuery received for them
	swallow    uint32 // answers up to this unit are not the client's
	applied    uint32 // version of the session's state that this server has
	born       uint32 // version of that state when the server was attached
	hide       uint32 // the unit whose ReadyForQuery answers a Sync that is not the client's; 0: none
	watch      uint32 // CommandComplete tags up to this unit are looked at
	left       int    // bytes still to come of a message that passes through
	parsed     int    // ParseComplete in the unit being answered
	closed     int    // CloseComplete in it
	status     byte   // of the last ReadyForQuery
	copyIn     bool   // the server takes COPY data, and ignores Sync
	bound      bool   // BindComplete came in the unit being answered: it is the extended protocol's
	resync     bool   // how many ReadyForQuery are still to come is not certain
	failed     bool   // ErrorResponse came in the unit being answered
	answered   bool   // the client has had a piece of the answer to the present unit
	dying      bool   // it said FATAL
	gone       bool   // the session has given it up

	batch     []byte // the only thing that it has to do, if that can be sent again
	effects   []effect
	closing   []closing
	lastError []byte                // the ErrorResponse that stopped a prologue
	names     map[string]*statement // the prepared statements it has
	prepared  map[string]bool       // those that PREPARE made, by their keys in the session's replay
	unnamed   uint32                // which unnamed statement it has
}

// NewServer makes the session's side of a server connection that has logged in and is idle.
func NewServer(node int, conn any) *Server {
	return &Server{Node: node, Conn: conn, status: wire.Idle}
}

// Renew makes a clean server connection ready for another session.
func (srv *Server) Renew() { *srv = Server{Node: srv.Node, Conn: srv.Conn, status: wire.Idle} }

// Busy reports whether the server owes an answer.
func (srv *Server) Busy() bool { return srv.owes() }

// Status is the transaction state of its last ReadyForQuery.
func (srv *Server) Status() byte { return srv.status }

func (srv *Server) owes() bool     { return srv.sent != srv.done || srv.left > 0 }
func (srv *Server) forwards() bool { return int32(srv.swallow-srv.done) <= 0 }

// FromServer takes bytes of an attached server and returns how many it used; the rest must come again with
// more behind it.
func (s *Session) FromServer(srv *Server, b []byte) int {
	if srv.gone {
		return len(b)
	}
	start, i := 0, 0 // b[start:i] is to be forwarded
	send := func(to int) {
		if to > start {
			s.w.ToClient(b[start:to])
			srv.answered = true
		}
	}
	fwd := srv.forwards() && srv == s.active && s.stage != ended
	for i < len(b) {
		if srv.left > 0 {
			k := min(srv.left, len(b)-i)
			srv.left -= k
			i += k
			continue
		}
		typ, size, ok := wire.Header(b[i:])
		if !ok {
			break
		}
		if size < wire.HeaderSize {
			s.lose(srv) // a message of impossible length
			return len(b)
		}
		whole := i+size <= len(b)
		if !whole {
			if typ != wire.DataRow && typ != wire.CopyData && size < streamFrom {
				break
			}
			srv.left = size
		}
		if typ == wire.DataRow || typ == wire.CopyData {
			if whole {
				i += size
			}
			continue
		}
		var body []byte
		if whole {
			body = b[i+wire.HeaderSize : i+size]
		}
		keep := fwd
		switch typ {
		case wire.ReadyForQuery:
			if len(body) != 1 {
				s.lose(srv)
				return len(b)
			}
			if fwd && srv.hide != 0 && srv.hide == srv.done+1 {
				send(i)
			} else if fwd {
				send(i + size)
			}
			i += size
			start = i
			s.settle(srv, body[0])
			if srv.gone {
				return i // what is behind is for whoever has the connection next
			}
			fwd = srv.forwards() && srv == s.active && s.stage != ended
			continue
		case wire.ErrorResponse:
			if whole && start == i && s.untouched(srv, body) {
				s.repeat(srv)
				return len(b)
			}
			s.sawError(srv, b[i:min(i+size, len(b))], whole)
			if srv.dying && !s.expects(srv) {
				srv.lastError = append([]byte(nil), b[i:min(i+size, len(b))]...)
				s.lose(srv) // before its connection ends: nothing may be sent there any more
				return len(b)
			}
			keep = fwd && s.expects(srv)
		case wire.ParseComplete:
			srv.parsed++
		case wire.CommandComplete:
			if srv.watch != 0 && int32(srv.watch-srv.done) > 0 {
				s.sawTag(srv, body)
			}
		case wire.CloseComplete:
			srv.closed++
		case wire.BindComplete:
			srv.bound = true
		case wire.CopyInResponse, wire.CopyBothResponse:
			if fwd {
				s.copyBegins(srv)
			} else {
				s.lose(srv) // it wants COPY data that nobody has
				return len(b)
			}
		case wire.ParameterStatus:
			s.sawParameter(body)
			keep = fwd && s.expects(srv) || srv.forwards() && srv.Node == s.primary()
		case wire.NotificationResponse:
			keep = true
		case wire.NoticeResponse:
			keep = fwd && s.expects(srv) || srv.forwards() && !srv.owes() && srv.Node == s.primary()
		}
		if keep != fwd {
			if fwd {
				send(i)
			} else if whole && s.stage != ended && s.quietClient(srv) {
				s.w.ToClient(b[i : i+size])
			}
			start = i + size
			if !whole {
				start = len(b)
			}
		}
		if whole {
			i += size
		}
	}
	if fwd {
		send(i)
	}
	return i
}

// expects tells whether what the server says may belong to an answer, rather than come of its own accord.
func (s *Session) expects(srv *Server) bool { return srv.owes() || s.streaming && srv == s.active }

// quietClient tells whether a message of its own accord may be sent between other answers: the server that
// answers must be at a message boundary.
func (s *Session) quietClient(srv *Server) bool {
	return s.active == nil || s.active == srv || s.active.left == 0
}

// settle is called at ReadyForQuery.
func (s *Session) settle(srv *Server, status byte) {
	if srv.done != srv.sent {
		srv.done++
	} else if !srv.resync {
		s.lose(srv) // nothing had asked for it
		return
	}
	srv.status = status
	failed := srv.failed
	swallowed := int32(srv.done-srv.swallow) <= 0
	if failed {
		s.parsesFailed(srv)
	}
	s.closesSettle(srv, failed)
	hidden := srv.hide != 0 && srv.hide == srv.done
	if hidden {
		srv.hide = 0
	}
	srv.batch = srv.batch[:0] // it has been done
	srv.failed, srv.parsed, srv.closed, srv.copyIn, srv.bound, srv.answered = false, 0, 0, false, false, false
	if swallowed {
		s.swallowed(srv, failed)
		return
	}
	s.repeats = 0
	s.failed = s.failed || failed
	s.skip = s.skip || hidden && failed
	s.effectsSettle(srv, failed, status)
	if srv != s.active {
		return
	}
	s.status = status
	s.transactionSettle(srv, status)
	if !srv.owes() {
		s.routing.Settle(status, s.failed)
		s.failed = false
		if s.stage == waitDrain {
			s.stage = ready
		}
		s.w.Retry()
	}
}

// transactionSettle keeps home, and ends the transaction on the other servers that had joined it: they have only read.
func (s *Session) transactionSettle(srv *Server, status byte) {
	if status != wire.Idle {
		// In a failed transaction everything stays where it failed. One that has to stay on the primary, because of
		// a setting or a savepoint, say, also ends there.
		if s.home == nil || status == wire.Failed || s.here {
			s.home = srv
		}
		return
	}
	s.rebegin = false
	clear(s.portals)
	s.boundAt = -1
	if len(s.servers) == 1 {
		s.home, s.begin, s.here = nil, 0, false
		return
	}
	s.home, s.begin, s.here = nil, 0, false
	for _, other := range s.servers {
		if other != srv && other.status != wire.Idle && !other.owes() {
			s.swallowQuery(other, "ROLLBACK")
			other.status = wire.Idle
		}
	}
}

func (s *Session) swallowQuery(srv *Server, sql string) {
	srv.sent++
	srv.swallow = srv.sent
	s.w.ToServer(srv, wire.AppendQuery(nil, sql))
}

// sawError notes an ErrorResponse. Of a very long one raw is the beginning, where its severity and code are.
func (s *Session) sawError(srv *Server, raw []byte, whole bool) {
	srv.failed = true
	if srv.copyIn {
		srv.copyIn = false
		srv.resync = srv.resync || srv.bound // a Sync of the client may be on its way
	}
	severity, code, text := wire.ErrorFields(raw[wire.HeaderSize:])
	s.w.CountError(srv.Node, severity)
	if severity == "FATAL" || severity == "PANIC" {
		srv.dying = true
	}
	if !srv.forwards() {
		srv.lastError = append([]byte(nil), raw...)
		if !whole {
			if text == "" {
				text = "the server's error is too long to be repeated"
			}
			srv.lastError = wire.AppendError(nil, &wire.Error{Severity: severity, Code: code, Message: text})
		}
	}
}

func (s *Session) sawParameter(body []byte) {
	name, rest, ok := wire.CString(body)
	if !ok {
		return
	}
	if value, _, ok := wire.CString(rest); ok {
		switch string(name) {
		case "standard_conforming_strings", "client_encoding":
			s.Report(string(name), string(value))
		}
	}
}

// copyBegins notes that the server reads COPY data. A Sync that was sent before is read, and ignored, as
// part of it (manual, "COPY Operations"), so no answer to it will come.
func (s *Session) copyBegins(srv *Server) {
	srv.copyIn = true
	if srv.bound && srv.sent != srv.done {
		srv.resync = srv.resync || srv.sent-srv.done > 1 // units behind it were sent blindly
		srv.sent, srv.hide = srv.done, 0
		s.streaming = true
	}
	if s.stage == waitDrain {
		// What waits for the end of the COPY is what the server reads next: data, or what breaks it off.
		s.unplace()
		s.stage = ready
		s.w.Retry()
	}
}

// sawTag looks at what a statement that was too long to be read has done.
func (s *Session) sawTag(srv *Server, body []byte) {
	tag, _, _ := wire.CString(body)
	word, _, _ := bytes.Cut(tag, []byte(" "))
	switch string(word) {
	case "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "BEGIN", "COMMIT", "ROLLBACK", "TRUNCATE":
	case "CREATE", "ALTER", "DROP":
		s.w.Count(srv.Node, route.DDL, 0, word[0]|0x20)
		s.pinned = true // it may be a temporary table
	default: // SET, PREPARE, a temporary table, set_config ...: state that is only there
		s.pinned = true
	}
}
