package conversation

import (
	"bytes"
	"strings"

	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// An effect is what a statement will have done to the session's state once its unit has succeeded.
type effect struct {
	seq   uint32 // its unit on the server
	class route.Class
	flags route.Flag
	key   string // what it sets: a later effect of the same key replaces it
	sql   string
	name  string // of a prepared statement, as SQL writes it
}

// remember notes the effect of a statement that is about to be sent, if it has one. It becomes true only when the
// unit has been answered, because statements may be sent before earlier ones are.
func (s *Session) remember(v route.Verdict, text []byte) {
	e := effect{class: v.Class, flags: v.Flags}
	switch v.Class {
	case route.Prepare:
		if v.Target != route.Balance {
			return // it will never run anywhere else
		}
		e.key, e.sql = keyOf(v, text), string(text)
		e.name = string(text[v.NameAt:v.NameEnd])
	case route.Deallocate:
		e.key, e.name = keyOf(v, text), string(text[v.NameAt:v.NameEnd])
	case route.Set, route.SetRole, route.Reset:
		e.key, e.sql = keyOf(v, text), string(text)
	case route.SetTransaction:
		if v.Is(route.Characteristics) {
			e.key, e.sql = "session characteristics "+strings.ToLower(string(text)), string(text)
		}
	case route.Savepoint, route.Release, route.RollbackTo:
		e.key = keyOf(v, text)
	case route.Begin, route.Commit, route.Rollback, route.PrepareTransaction, route.DiscardAll, route.DeallocateAll,
		route.SetLocal, route.Multi:
	default:
		s.pinned = s.pinned || v.Is(route.Untracked)
		return
	}
	s.coming = append(s.coming, e)
}

// multi notes the effects of each statement of a string of several.
func (s *Session) multi(text []byte) {
	control, state := false, false
	for len(text) > 0 {
		end := route.NextStatement(text, !s.env.OddStrings)
		one := bytes.TrimRight(text[:end], "; \t\r\n")
		v := s.w.Classify(one, &s.env)
		if v.Class == route.DDL {
			s.next.class, s.next.flags, s.next.verb = v.Class, v.Flags, verb(one)
		}
		switch v.Class {
		case route.Begin, route.Commit, route.Rollback, route.Savepoint, route.RollbackTo, route.Release, route.PrepareTransaction:
			control = true
		case route.Set, route.SetRole, route.Reset, route.Prepare, route.Deallocate, route.SetTransaction:
			state = true
		}
		s.routing.Decide(v, one)
		s.remember(v, one)
		text = text[end:]
	}
	s.mixed = s.mixed || control && state
	s.remember(route.Verdict{Class: route.Multi}, nil)
}

// keyOf names what a statement changes.
func keyOf(v route.Verdict, text []byte) string {
	name := route.Name(text, v)
	switch v.Class {
	case route.Prepare, route.Deallocate:
		return "prepare " + name
	case route.Savepoint, route.Release, route.RollbackTo:
		return name
	case route.SetRole:
		if strings.Contains(strings.ToLower(string(text)), "authorization") {
			return "session authorization"
		}
		return "role"
	}
	return "set " + name
}

// effectsSent ties the effects of the unit that is sent to its number there.
func (s *Session) effectsSent(srv *Server, seq uint32) {
	for i := range s.coming {
		s.coming[i].seq = seq
	}
	srv.effects = append(srv.effects, s.coming...)
	s.coming = s.coming[:0]
	if cap(s.coming) > 16 {
		s.coming = nil
	}
}

// effectsSettle makes the effects of an answered unit true, or forgets them.
func (s *Session) effectsSettle(srv *Server, failed bool, status byte) {
	before := uint32(0)
	if s.replay != nil {
		before = s.replay.version
	}
	n := 0
	for n < len(srv.effects) && int32(srv.effects[n].seq-srv.done) <= 0 {
		if !failed {
			s.take(srv, srv.effects[n])
		}
		n++
	}
	if n > 0 {
		s.pinned = s.pinned || failed && s.mixed // some of it may have been committed before the error
		s.mixed = false
		srv.effects = srv.effects[:copy(srv.effects, srv.effects[n:])]
	}
	r := s.replay
	switch {
	case r == nil:
		return
	case status != wire.Idle:
	case failed:
		r.undo()
	default:
		r.keep()
	}
	if r.version != before {
		srv.applied = r.version // it made the changes, and had all the rest before the unit was sent
	}
}

// take makes one effect true.
func (s *Session) take(srv *Server, e effect) {
	if s.replay == nil {
		if e.key == "" && e.class != route.DiscardAll && e.class != route.DeallocateAll {
			s.takeTransaction(e)
			return // there is nothing that a transaction could keep or undo
		}
		s.replay = new(replay)
	}
	s.takeTransaction(e)
	r := s.replay
	switch e.class {
	case route.Commit, route.PrepareTransaction:
		if s.status == wire.Failed {
			r.undo() // the COMMIT of a failed transaction rolls it back
			break
		}
		r.keep()
	case route.Rollback:
		r.undo()
	case route.Savepoint:
		if len(r.pending) > 0 {
			r.pending = append(r.pending, entry{savepoint: true, key: e.key})
		}
	case route.Release, route.RollbackTo:
		r.back(e.key, e.class == route.RollbackTo)
	case route.Prepare, route.Deallocate:
		// These are not undone by a rollback.
		if e.class == route.Deallocate {
			// One that a Parse has made is gone as well; other servers are told when the name is used again.
			name := strings.TrimPrefix(e.key, "prepare ")
			delete(s.stmts, name)
			delete(srv.names, name)
		}
		made := entry{key: e.key, sql: e.sql, prepares: e.name}
		srv.prepares(made)
		r.set(made)
	case route.DeallocateAll:
		r.forget(func(key string) bool { return strings.HasPrefix(key, "prepare ") })
		r.set(entry{clean: true, key: "deallocate all", sql: "DEALLOCATE ALL"})
		srv.prepared = nil
		s.forgetStatements(srv, e.seq)
	case route.DiscardAll:
		r.forget(func(string) bool { return true })
		r.set(entry{clean: true, key: "discard all", sql: "DISCARD ALL"})
		srv.prepared = nil
		s.forgetStatements(srv, e.seq)
		s.pinned = false
	default:
		if e.sql != "" {
			r.pending = append(r.pending, entry{key: e.key, sql: e.sql})
		}
	}
}

// takeTransaction notes what kind of transaction is open and whether it must stay on the primary.
func (s *Session) takeTransaction(e effect) {
	const snapshot = route.Serializable | route.RepeatableRead
	switch e.class {
	case route.Begin:
		if s.status != wire.Idle {
			return // only a warning: the open transaction goes on
		}
		s.begin = e.flags
		s.here = e.flags&(route.ReadWrite|snapshot) != 0
	case route.SetTransaction:
		if e.flags&route.Characteristics == 0 {
			s.begin |= e.flags
			s.here = s.here || e.flags&(route.ReadWrite|snapshot) != 0
		}
	case route.Set, route.SetRole, route.Reset, route.SetLocal, route.Savepoint, route.Multi:
		// What it has changed is on the primary only; a transaction that has begun in a string of statements is
		// of unknown kind. Outside of a transaction this lasts for the statement.
		s.here = true
	}
}

// forgetStatements follows DEALLOCATE ALL, which takes the protocol's prepared statements as well. Those that were
// sent to the same server behind it stay.
func (s *Session) forgetStatements(srv *Server, seq uint32) {
	for name, st := range s.stmts {
		if st.srv == srv && int32(st.seq-seq) > 0 {
			continue
		}
		delete(s.stmts, name)
		for _, other := range s.servers {
			delete(other.names, name)
		}
	}
	if srv.done == srv.sent {
		s.unnamedGone()
	}
}
