package conversation

import (
	"strings"

	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// End is called when the client has gone. Server connections that are in a known state are reset by the
// statements of reset_query_list and given back by World.Released; the others are dropped: work that nobody waits
// for must not go on, and a server that still owes an answer could give it to somebody else.
func (s *Session) End(resets []string) {
	s.stage, s.again = ended, nil
	servers := s.servers
	s.servers = nil
	for _, srv := range servers {
		if srv.dying || srv.resync || srv.copyIn || srv == s.active && (s.streaming || srv.hide != 0 || s.pass > 0 && s.passTo == srv) ||
			srv.owes() && srv.forwards() {
			s.w.Drop(srv)
			continue
		}
		s.servers = append(s.servers, srv)
		srv.effects = nil
		var out []byte
		for _, sql := range resets {
			if strings.EqualFold(strings.TrimSpace(sql), "ABORT") && srv.status == wire.Idle && !srv.owes() {
				continue // it would only draw a warning
			}
			out = wire.AppendQuery(out, sql)
			srv.sent++
			srv.swallow = srv.sent
		}
		if out != nil {
			s.w.ToServer(srv, out)
		}
	}
	s.active, s.home, s.passTo = nil, nil, nil
	for _, srv := range append([]*Server(nil), s.servers...) {
		if !srv.owes() {
			s.finish(srv)
		}
	}
}

// finish gives back a server connection whose reset is done.
func (s *Session) finish(srv *Server) {
	s.forget(srv)
	if srv.dying || srv.status != wire.Idle {
		s.w.Drop(srv)
		return
	}
	s.w.Released(srv)
}
