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
	key   string // what it sets: a later effect of the same key replaces it
	sql   string
}

// remember notes the effect of a statement that is about to be sent, if it has one.
func (s *Session) remember(v route.Verdict, text []byte) {
	e := effect{class: v.Class}
	switch v.Class {
	case route.Set, route.SetRole, route.Reset, route.Prepare, route.Deallocate, route.Savepoint, route.Release, route.RollbackTo:
		e.key = keyOf(v, text)
	case route.SetTransaction:
		if !v.Is(route.Characteristics) {
			return
		}
		e.key = "session characteristics " + strings.ToLower(string(text))
	case route.Commit, route.Rollback, route.PrepareTransaction:
	case route.DiscardAll, route.DeallocateAll:
	default:
		if v.Is(route.Untracked) {
			s.pinned = true
		}
		return
	}
	switch v.Class {
	case route.Set, route.SetRole, route.Reset, route.Prepare, route.Deallocate, route.SetTransaction:
		e.sql = string(text)
	case route.DiscardAll, route.DeallocateAll:
	default:
		if s.replay == nil {
			return // nothing that a transaction could keep or undo
		}
	}
	if s.replay == nil {
		s.replay = new(replay)
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
		switch v.Class {
		case route.Begin, route.Commit, route.Rollback, route.Savepoint, route.RollbackTo, route.Release, route.PrepareTransaction:
			control = true
		case route.Set, route.SetRole, route.Reset, route.Prepare, route.Deallocate, route.SetTransaction:
			state = true
		}
		s.remember(v, one)
		text = text[end:]
	}
	s.mixed = s.mixed || control && state
}

// keyOf names what a statement changes. A quoted name and a folded one must not be taken for the same.
func keyOf(v route.Verdict, text []byte) string {
	name := string(text[v.NameAt:v.NameEnd])
	if !strings.HasPrefix(name, `"`) {
		name = strings.ToLower(name)
	}
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
	r := s.replay
	if r == nil {
		return
	}
	r.committed = false
	n := 0
	for n < len(srv.effects) && int32(srv.effects[n].seq-srv.done) <= 0 {
		if e := srv.effects[n]; !failed {
			s.take(e)
		}
		n++
	}
	if n > 0 && failed && s.mixed {
		// Some of it may have been committed before the error.
		s.pinned = true
	}
	if n > 0 {
		s.mixed = false
		srv.effects = srv.effects[:copy(srv.effects, srv.effects[n:])]
	}
	switch {
	case status != wire.Idle:
	case failed:
		r.undo()
	default:
		r.keep()
	}
	srv.applied = r.version // it had all the rest before the unit was sent
}

func (s *Session) take(e effect) {
	r := s.replay
	switch e.class {
	case route.Commit, route.PrepareTransaction:
		r.committed = true
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
		r.set(entry{key: e.key, sql: e.sql, undo: e.class == route.Deallocate})
	case route.DeallocateAll:
		r.forget(func(key string) bool { return strings.HasPrefix(key, "prepare ") })
		r.set(entry{clean: true, key: "deallocate all", sql: "DEALLOCATE ALL"})
		s.forgetStatements()
	case route.DiscardAll:
		r.forget(func(string) bool { return true })
		r.set(entry{clean: true, key: "discard all", sql: "DISCARD ALL"})
		s.forgetStatements()
		s.pinned = false
	default:
		r.pending = append(r.pending, entry{key: e.key, sql: e.sql})
	}
}

// forgetStatements follows DEALLOCATE ALL, which takes the protocol's prepared statements as well.
func (s *Session) forgetStatements() {
	clear(s.stmts)
	for _, other := range s.servers {
		clear(other.names)
	}
	s.unnamedGone()
}
