package conversation

import (
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A statement is a prepared statement of the extended protocol.
type statement struct {
	name    string
	message []byte // the Parse as it came; nil when it is too long to be kept
	text    [2]int // where its SQL is in message
	verdict route.Verdict
	srv     *Server // where its Parse was sent, until that is answered
	seq     uint32  // in which unit there
	order   int     // as which Parse of the unit, from 1
	serial  uint32  // tells one unnamed statement from the next
	freed   bool    // its batch closes the name first
	gone    bool    // it was never made, or, the unnamed one, destroyed
}

func (st *statement) sql() []byte { return st.message[st.text[0]:st.text[1]] }

// keepUnnamed is the longest unnamed statement whose text is kept for another server, in bytes. It is
// sent again only when a client runs it in a later batch that must go elsewhere.
const keepUnnamed = 8 << 10

// find gives the statement of a name, or nil.
func (s *Session) find(name []byte) *statement {
	if len(name) == 0 {
		if s.unnamed != nil && s.unnamed.gone {
			return nil
		}
		return s.unnamed
	}
	return s.stmts[string(name)]
}

// parsed registers a Parse. A name that is taken is left alone: the server will say so.
func (s *Session) parsed(name, text, message []byte, v route.Verdict) *statement {
	if len(name) == 0 {
		if s.unnamed == nil {
			s.unnamed = new(statement)
		}
		st := s.unnamed
		buf := st.message[:0]
		if cap(buf) > 1<<10 && len(message) < 1<<10 {
			buf = nil // one long statement must not leave its buffer with an idle client
		}
		*st = statement{serial: st.serial + 1, verdict: v}
		st.keep(buf, message, 0, len(text), keepUnnamed)
		return st
	}
	if s.stmts[string(name)] != nil {
		return nil
	}
	if s.stmts == nil {
		s.stmts = make(map[string]*statement)
	}
	st := &statement{name: string(name), verdict: v}
	st.keep(nil, message, len(name), len(text), holdLimit)
	s.stmts[st.name] = st
	return st
}

func (st *statement) keep(buf, message []byte, name, text, limit int) {
	if len(message) > limit {
		st.verdict.Target = route.Primary
		return
	}
	st.message = append(buf, message...)
	at := wire.HeaderSize + name + 1
	st.text = [2]int{at, at + text}
}

// goneWithQuery stands for the node of an unnamed portal that was destroyed.
const goneWithQuery = -2

// unnamedGone is called for a simple Query, which destroys the unnamed statement and portal (manual, "Extended
// Query").
func (s *Session) unnamedGone() {
	s.boundAt = goneWithQuery
	if s.unnamed != nil {
		s.unnamed.gone = true
	}
}

// needNamed sees to it that the server of an EXECUTE or DEALLOCATE has the statement, if a Parse has made it: SQL and the
// protocol share their names.
func (s *Session) needNamed(v route.Verdict, text []byte) {
	if len(s.stmts) == 0 {
		return
	}
	if st := s.stmts[route.Name(text, v)]; st != nil {
		s.newBatch()
		s.want(st)
	}
}

// has tells whether the server has the statement.
func (srv *Server) has(st *statement) bool {
	if st.name == "" {
		return srv.unnamed == st.serial
	}
	return srv.names[st.name] == st
}

func (srv *Server) learn(st *statement) {
	if st.name == "" {
		srv.unnamed = st.serial
		return
	}
	if srv.names == nil {
		srv.names = make(map[string]*statement)
	}
	srv.names[st.name] = st
}

func (srv *Server) unlearn(st *statement) {
	if st.name == "" {
		srv.unnamed = 0
		return
	}
	delete(srv.names, st.name)
}

// parsesSent notes where the Parses of the unit went.
func (s *Session) parsesSent(srv *Server, seq uint32) {
	b := s.batch
	if b == nil || !b.used {
		return
	}
	for _, c := range b.closes {
		if c.had = srv.names[c.name]; c.st != nil || c.had != nil {
			c.seq = seq
			srv.closing = append(srv.closing, c)
		}
		delete(srv.names, c.name)
	}
	for i, st := range b.parses {
		srv.learn(st)
		st.srv, st.seq, st.order = srv, seq, b.parsesBefore+i+1
	}
	if s.streaming {
		b.parsesBefore += len(b.parses)
		b.parses, b.closes = b.parses[:0], b.closes[:0]
	} else {
		b.used = false
	}
	for _, p := range b.bound { // in a streaming batch again and again, but they are few
		if p.name == "" {
			s.boundAt = int16(srv.Node)
			continue
		}
		if s.portals == nil {
			s.portals = make(map[string]int)
		}
		s.portals[p.name] = srv.Node
	}
}

// portalNode is where a portal of the open transaction is, -1 when there is none.
func (s *Session) portalNode(name []byte) int {
	if s.status == wire.Idle {
		return -1 // portals end with their transaction
	}
	if len(name) == 0 && s.boundAt == goneWithQuery && s.active != nil {
		return s.active.Node // where it is gone for certain
	}
	if len(name) == 0 {
		return int(s.boundAt)
	}
	if node, ok := s.portals[string(name)]; ok {
		return node
	}
	return -1
}

// parsesFailed forgets statements whose Parse was not reached or failed. The server may still have another of the name,
// so srv.names keeps it: the name is freed before it is used again, and freeing one that is not there is no error.
func (s *Session) parsesFailed(srv *Server) {
	if st := s.unnamed; st != nil && st.unreached(srv) {
		st.gone = true
		srv.unnamed = 0
	}
	for name, st := range s.stmts {
		if st.unreached(srv) {
			delete(s.stmts, name)
		}
	}
	for _, c := range srv.closing {
		if c.st != nil && c.st.unreached(srv) {
			c.st.gone = true // closed by name, and never made
		}
	}
}

// unreached tells whether the unit that the server has just answered has failed before or in the statement's Parse.
func (st *statement) unreached(srv *Server) bool {
	return st.srv == srv && st.seq == srv.done && st.order > srv.parsed
}

// closesSettle remembers the statements whose Close was passed over after an error.
func (s *Session) closesSettle(srv *Server, failed bool) {
	n := 0
	for n < len(srv.closing) && int32(srv.closing[n].seq-srv.done) <= 0 {
		if c := srv.closing[n]; failed && c.order > srv.closed {
			if c.had != nil && srv.names[c.name] == nil {
				srv.names[c.name] = c.had
			}
			if c.st != nil && !c.st.gone && s.stmts[c.name] == nil {
				s.stmts[c.name] = c.st
			}
		}
		n++
	}
	srv.closing = srv.closing[n:]
}
