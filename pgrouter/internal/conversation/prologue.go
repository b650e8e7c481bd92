package conversation

import (
	"slices"

	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// prologue sends a server what it lacks to run s.next, and reports whether the unit must wait.
func (s *Session) prologue(srv *Server) bool {
	stale := s.replay != nil && srv.applied != s.replay.version
	joins := (s.home != nil && s.home != srv || s.rebegin) && srv.status == wire.Idle
	unprepared := s.batch != nil && s.batch.used && s.unprepared(srv)
	if !stale && !joins && !unprepared {
		return false
	}
	if srv.owes() {
		s.stage = waitDrain // its answers are the client's; those to the prologue are not
		return true
	}
	var out []byte
	if stale {
		for _, sql := range s.replay.missing(srv) {
			out = wire.AppendQuery(out, sql)
			srv.sent++
		}
	}
	if joins {
		out = wire.AppendQuery(out, beginText(s.begin))
		srv.sent++
		if s.rebegin {
			s.home, s.rebegin = srv, false
		}
	}
	if unprepared {
		out = wire.AppendSync(s.prepare(out, srv))
		srv.sent++
	}
	if len(out) == 0 {
		return false
	}
	srv.swallow = srv.sent
	s.stage = waitPrologue
	s.w.ToServer(srv, out)
	return true
}

// unprepared tells whether the server lacks prepared statements of the batch, or has others of their names.
func (s *Session) unprepared(srv *Server) bool {
	if s.next.all {
		for _, st := range s.stmts {
			s.want(st)
		}
	}
	for _, st := range s.batch.wants {
		// In a failed transaction all else is refused in any case, and giving it to the server would be too.
		if !srv.has(st) && (srv.status != wire.Failed || controls(st.verdict)) {
			return true
		}
	}
	return srv.status != wire.Failed && len(s.stale(srv)) > 0
}

// stale are names that the batch uses and that must be free on the server: the client has closed them while another
// server was active. A name of which the batch uses the old statement first is not: the batch closes it itself.
func (s *Session) stale(srv *Server) (names []string) {
	if len(srv.names) == 0 {
		return nil
	}
	free := func(name string, st *statement) {
		old := srv.names[name]
		if old == nil || old == st ||
			st != nil && st.freed ||
			slices.ContainsFunc(s.batch.wants, func(w *statement) bool { return w.name == name }) {
			return
		}
		names = append(names, name)
	}
	for _, st := range s.batch.parses {
		if st.name != "" {
			free(st.name, st)
		}
	}
	for _, name := range s.batch.absent {
		free(name, nil)
	}
	return names
}

// prepare appends the messages that give a server the prepared statements of the batch.
func (s *Session) prepare(out []byte, srv *Server) []byte {
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
	for _, name := range s.stale(srv) {
		out = wire.AppendCloseStatement(out, name)
		delete(srv.names, name)
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
	if s.stage == waitPrologue || s.stage == waitDrain && (s.active == nil || !s.active.owes()) {
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
	if s.batch != nil {
		for _, st := range s.batch.wants {
			srv.unlearn(st)
		}
	}
	if srv.status == wire.Failed && srv != s.home {
		s.swallowQuery(srv, "ROLLBACK")
	}
	s.refuse(reply)
}

// refuse answers s.next with an ErrorResponse instead of sending it.
func (s *Session) refuse(reply []byte) {
	s.drop = s.next.whole
	end, hide := s.next.end, s.next.hide
	s.unplace()
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

// unplace forgets s.next and what would have come of it.
func (s *Session) unplace() {
	s.next = unit{}
	s.coming = s.coming[:0]
	if s.batch == nil || !s.batch.used {
		return // what a batch before it has made stays
	}
	for _, st := range s.batch.parses {
		delete(s.stmts, st.name)
	}
	for _, c := range s.batch.closes {
		if c.st != nil && !c.st.gone && s.stmts[c.name] == nil {
			s.stmts[c.name] = c.st
		}
	}
	s.batch.used = false
}

// discard gives up a server connection.
func (s *Session) discard(srv *Server) {
	s.forget(srv)
	s.w.Drop(srv)
}

func (s *Session) forget(srv *Server) {
	srv.gone = true
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
