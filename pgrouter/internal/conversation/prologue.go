package conversation

import (
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// prologue sends a server what it lacks to run s.next, and reports whether it did. The unit must wait until the
// server has answered.
func (s *Session) prologue(srv *Server) bool {
	var out []byte
	units := uint32(0)
	query := func(sql string) {
		out = wire.AppendQuery(out, sql)
		units++
	}
	if r := s.replay; r != nil && srv.applied != r.version {
		for _, sql := range r.missing(srv.applied, srv.born) {
			query(sql)
		}
		srv.applied = r.version
	}
	if (s.home != nil && s.home != srv || s.rebegin) && srv.status == wire.Idle && !srv.owes() {
		query(beginText(s.begin))
		if s.rebegin {
			s.home, s.rebegin = srv, false
		}
	}
	if s.batch != nil && s.batch.used {
		if more := s.lacking(srv); len(more) > 0 {
			out = wire.AppendSync(append(out, more...))
			units++
		}
	}
	if units == 0 {
		return false
	}
	srv.sent += units
	srv.swallow = srv.sent
	s.w.ToServer(srv, out)
	return true
}

// lacking are the messages that give a server the prepared statements of the batch.
func (s *Session) lacking(srv *Server) (out []byte) {
	if s.next.all {
		for _, st := range s.stmts {
			s.want(st)
		}
	}
	for _, st := range s.batch.wants {
		if srv.has(st) {
			continue
		}
		if st.name != "" {
			out = wire.AppendCloseStatement(out, st.name) // another one may have had the name; else no error
		}
		out = append(out, st.message...)
		srv.learn(st)
	}
	for _, st := range s.batch.parses {
		if st.name != "" && srv.names[st.name] != nil && srv.names[st.name] != st {
			out = wire.AppendCloseStatement(out, st.name) // closed by the client while another server was active
			delete(srv.names, st.name)
		}
	}
	return out
}

// beginText opens, on a server that joins, a transaction like the one that is open.
func beginText(f route.Flag) string {
	text := "BEGIN"
	if f&route.RepeatableRead != 0 {
		text += " ISOLATION LEVEL REPEATABLE READ"
	}
	if f&route.ReadOnly != 0 {
		text += " READ ONLY"
	}
	return text
}

// swallowed is called when a server has answered something that the client does not know of.
func (s *Session) swallowed(srv *Server, failed bool) {
	switch {
	case failed && s.stage == ended:
		srv.dying = true
	case failed && s.stage == waitPrologue:
		s.prologueFailed(srv)
		return
	case failed:
		srv.dying = true // the end of a transaction failed: nothing good can follow
	}
	if srv.done != srv.swallow {
		return
	}
	if s.stage == ended {
		s.finish(srv)
		return
	}
	if s.stage == waitPrologue {
		s.stage = ready
		s.w.Retry()
	}
}

// prologueFailed decides what becomes of a unit whose server could not catch up. A read goes to the primary
// instead; for anything else the client gets the server's own error.
func (s *Session) prologueFailed(srv *Server) {
	if srv.done != srv.swallow {
		srv.failed = true // judged at the last answer
		return
	}
	u := &s.next
	if srv.Node != s.primary() && u.read {
		s.here = s.home != nil
		s.discard(srv)
		u.node = s.primary()
		s.stage = ready
		s.w.Retry()
		return
	}
	reply := srv.lastError
	srv.lastError = nil
	if srv.status == wire.Failed {
		s.swallowQuery(srv, "ROLLBACK")
	}
	s.refuse(reply)
}

// refuse answers s.next with an ErrorResponse instead of sending it.
func (s *Session) refuse(reply []byte) {
	u := &s.next
	s.drop = u.whole
	end, hide := u.end, u.hide
	*u = unit{}
	s.coming = s.coming[:0]
	if s.batch != nil {
		for _, st := range s.batch.parses {
			delete(s.stmts, st.name)
		}
		s.batch.used = false
	}
	switch {
	case end == wire.Query || end == wire.FunctionCall || end == wire.Sync:
		reply = wire.AppendReady(reply, s.status)
	case hide || end == wire.Flush || s.streaming || end == 0:
		s.skip, s.streaming = true, false
	}
	s.stage = ready
	s.w.ToClient(reply)
	s.routing.Settle(s.status, true)
	s.w.Retry()
}

// discard gives up a server connection.
func (s *Session) discard(srv *Server) {
	s.forget(srv)
	s.w.Drop(srv)
}

func (s *Session) forget(srv *Server) {
	for i, other := range s.servers {
		if other == srv {
			s.servers = append(s.servers[:i], s.servers[i+1:]...)
			break
		}
	}
	if s.active == srv {
		s.active = nil
	}
	if s.passTo == srv {
		s.passTo = nil
	}
	if s.home == srv {
		s.home = nil
	}
}
