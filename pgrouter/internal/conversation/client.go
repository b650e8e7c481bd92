package conversation

import (
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A unit is a piece of the client's input whose place is decided and which is not sent yet.
type unit struct {
	size    int  // bytes of input; 0: there is no unit
	whole   int  // size of a message of which only size bytes are there yet
	end     byte // Query, FunctionCall, Sync; Flush: the batch stays open; 0: a piece of an open batch
	node    int
	read    bool // may run on any node
	follows bool // the batch has begun on its server: nothing can be slipped in before it
	all     bool // more may follow that is not known yet: the server needs all prepared statements
	hide    bool // it ends with a Sync of which the client must not know, instead of its Flush or before a Query
	watch   bool // too long to be read
	class   route.Class
	flags   route.Flag
	verb    byte // the first letter of the statement
}

// verb is the first letter of a statement, in lower case.
func verb(sql []byte) byte {
	for _, c := range sql {
		if c > ' ' {
			return c | 0x20
		}
	}
	return 0
}

// FromClient takes input and returns how many bytes it used; the rest must come again, with more behind it or
// after World.Retry, then also when there is none.
func (s *Session) FromClient(b []byte) int {
	if len(s.again) > 0 {
		s.again = s.again[s.input(s.again):]
		if len(s.again) > 0 {
			return 0
		}
		s.again = nil
	}
	return s.input(b)
}

func (s *Session) input(b []byte) int {
	n := 0
	for n < len(b) && s.stage != ended {
		switch {
		case s.pass > 0:
			k := min(s.pass, len(b)-n)
			s.pass -= k
			if s.passTo != nil {
				s.w.ToServer(s.passTo, b[n:n+k])
			}
			n += k
			continue
		case s.drop > 0:
			k := min(s.drop, len(b)-n)
			s.drop -= k
			n += k
			continue
		case s.stage != ready:
			return n
		}
		if s.next.size == 0 {
			used, more := s.look(b[n:])
			n += used
			if more {
				return n
			}
			continue
		}
		if !s.place(b[n:]) {
			return n
		}
		n += s.next.size
		s.next = unit{}
	}
	return n
}

// look finds the next unit and decides where it goes. It returns how many bytes it has dealt with itself, and
// whether more input (or an event) is needed.
func (s *Session) look(b []byte) (used int, more bool) {
	typ, size, ok := wire.Header(b)
	if !ok {
		return 0, true
	}
	if size < wire.HeaderSize || size > wire.MaxMessage+1 {
		s.violation("invalid message length")
		return 0, true
	}
	if (typ == wire.Sync || typ == wire.Flush) && size != wire.HeaderSize {
		s.violation("invalid message format") // what ends a batch is taken off and put on without its body
		return 0, true
	}
	if s.skip && typ != wire.Sync && typ != wire.Terminate {
		return s.ignore(size), false
	}
	if srv := s.active; srv != nil && (srv.copyIn || s.streaming) && typ != wire.Terminate {
		return s.follow(srv, typ, size, b)
	}
	switch typ {
	case wire.Query:
		return s.lookQuery(size, b)
	case wire.Parse, wire.Bind, wire.Describe, wire.Execute, wire.Close:
		return s.lookBatch(b)
	case wire.FunctionCall:
		if size > len(b) && len(b) < holdLimit {
			return 0, true
		}
		// What the function does is not known, so it counts as a write.
		s.routing.Decide(route.Verdict{Class: route.Write, Flags: route.Writes}, nil)
		s.next = unit{size: min(size, len(b)), whole: size, end: wire.FunctionCall, node: s.primaryOrHome(), class: route.Write}
		return 0, false
	case wire.Sync:
		if size > len(b) {
			return 0, true
		}
		if s.active != nil && s.active.owes() {
			s.next = unit{size: size, whole: size, end: wire.Sync, node: s.active.Node, class: route.Empty}
			return 0, false
		}
		s.skip = false
		s.w.ToClient(wire.AppendReady(nil, s.status))
		return size, false
	case wire.Terminate:
		if (s.active == nil || !s.active.copyIn) && s.drains() {
			return 0, true // what was sent before it is still to be done, as a server would; but COPY data will not come
		}
		s.w.Close(nil)
		s.stage = ended
		return min(size, len(b)), true
	case wire.CopyData, wire.CopyDone, wire.CopyFail:
		// Before the server has asked for it it cannot be told whose data it is. If no COPY begins, a server drops it
		// too: the client had not yet seen that the COPY ended.
		if s.drains() {
			return 0, true
		}
		return s.ignore(size), false
	case wire.Flush:
		if s.active != nil && s.active.owes() {
			s.next = unit{size: size, whole: size, node: s.active.Node, class: route.Empty}
			return 0, false
		}
		return s.ignore(size), false
	}
	s.violation("invalid frontend message type " + string(rune(typ)))
	return 0, true
}

// ignore passes over a message of the given size, also one that is not there as a whole.
func (s *Session) ignore(size int) int {
	s.pass, s.passTo = size, nil
	return 0
}

// violation ends the session because the client does not speak the protocol.
func (s *Session) violation(what string) {
	s.stage = ended
	s.w.Close(&wire.Error{Severity: "FATAL", Code: "08P01", Message: what})
}

// follow passes on one message of an open batch or of COPY data, to the server that has the rest.
func (s *Session) follow(srv *Server, typ byte, size int, b []byte) (used int, more bool) {
	whole := size <= len(b)
	if !whole && typ != wire.CopyData && len(b) < holdLimit {
		return 0, true
	}
	u := unit{size: min(size, len(b)), whole: size, node: srv.Node, class: route.Empty, follows: true}
	switch {
	case srv.copyIn:
		if typ == wire.CopyDone || typ == wire.CopyFail {
			srv.copyIn = false
		}
	case typ == wire.Sync:
		u.end = wire.Sync
		s.streaming = false
	case typ == wire.Query || typ == wire.FunctionCall || typ == wire.CopyData || typ == wire.CopyDone || typ == wire.CopyFail:
		// Behind an error the server would pass over it, so the batch's end, or a COPY's beginning, must be known
		// before it is sent.
		s.streaming = false
		srv.sent++
		srv.hide = srv.sent
		s.stage = waitDrain
		s.w.ToServer(srv, wire.AppendSync(nil))
		return 0, true
	default:
		s.note(typ, size, b[:u.size])
	}
	s.next = u
	return 0, false
}

// lookQuery decides about a simple Query.
func (s *Session) lookQuery(size int, b []byte) (used int, more bool) {
	if size > len(b) {
		if len(b) < holdLimit {
			return 0, true
		}
		return s.lookLong(size, b)
	}
	text, ok := wire.Text(b[wire.HeaderSize:size])
	if !ok {
		s.violation("invalid string in message")
		return 0, true
	}
	v := s.w.Classify(text, &s.env)
	if v.Target == route.Local {
		if s.drains() {
			return 0, true
		}
		s.stage = waitAnswer
		s.drop = size
		s.w.Answer(b[:size])
		return 0, true
	}
	if !s.mayDecide(v.Target == route.Balance) {
		return 0, true
	}
	s.next = unit{size: size, whole: size, end: wire.Query, class: v.Class, flags: v.Flags, verb: verb(text)}
	s.unnamedGone()
	switch v.Class {
	case route.Multi:
		s.multi(text)
	case route.Execute, route.Deallocate:
		s.needNamed(v, text)
		s.remember(v, text)
	default:
		s.remember(v, text)
	}
	s.next.node, s.next.read = s.where(v, s.routing.Decide(v, text))
	return 0, false
}

// lookLong sends a Query that is too long to be read to the primary as it arrives.
func (s *Session) lookLong(size int, b []byte) (used int, more bool) {
	if !s.mayDecide(false) {
		return 0, true
	}
	s.routing.Decide(route.Verdict{Class: route.Unknown, Flags: route.Writes}, nil)
	s.next = unit{size: len(b), whole: size, end: wire.Query, watch: true, node: s.primaryOrHome(), class: route.Unknown}
	return 0, false
}

// mayDecide tells whether the state on which a decision rests is known. Behind work of the primary it need not
// be: the primary is right for anything. Behind reads of a standby, more plain reads may follow.
func (s *Session) mayDecide(read bool) bool {
	srv := s.active
	if srv == nil || !srv.owes() {
		return true
	}
	for _, e := range srv.effects {
		if e.class == route.DiscardAll || e.class == route.DeallocateAll {
			return !s.drains() // which prepared statements there are is not known before
		}
	}
	if srv.Node == s.primary() && s.status != wire.Failed {
		return true
	}
	if read && s.status == wire.Idle && len(srv.effects) == 0 && srv.hide == 0 && srv.Node == s.reader() {
		return true
	}
	return !s.drains()
}

// drains tells whether the active server still owes answers, and if so makes the session wait for them.
func (s *Session) drains() bool {
	if s.active != nil && s.active.owes() {
		s.stage = waitDrain
		return true
	}
	return false
}

// where turns the target of a statement into a node. read tells whether any other node would do as well.
func (s *Session) where(v route.Verdict, t route.Target) (node int, read bool) {
	begins := v.Class == route.Begin && v.Is(route.ReadOnly) && v.Flags&(route.RepeatableRead|route.Serializable) == 0
	switch {
	case s.active != nil && s.active.owes() && s.active.Node == s.primary():
		return s.active.Node, t == route.Balance
	case s.home != nil && (s.status == wire.Failed || controls(v)):
		return s.home.Node, false
	case t == route.Balance, begins, v.Class == route.Empty:
		return s.reader(), true
	}
	return s.primary(), false
}

// controls tells whether a statement steers the open transaction, which is done where it began. Savepoints are on the
// primary.
func controls(v route.Verdict) bool {
	switch v.Class {
	case route.Commit, route.Rollback, route.PrepareTransaction:
		return true
	case route.SetTransaction:
		return !v.Is(route.Characteristics)
	}
	return false
}

// primaryOrHome is where something of unknown kind goes.
func (s *Session) primaryOrHome() int {
	if s.status == wire.Failed && s.home != nil {
		return s.home.Node
	}
	return s.primary()
}

// place sends s.next if its server is there and has caught up; else it asks for what is missing and
// reports false.
func (s *Session) place(b []byte) bool {
	u := &s.next
	if s.active != nil && s.active.owes() && (s.active.Node != u.node || u.hide) {
		s.stage = waitDrain
		return false
	}
	srv := s.Server(u.node)
	if srv == nil {
		s.stage = waitAttach
		s.w.Attach(u.node)
		return false
	}
	if !srv.forwards() {
		s.stage = waitPrologue // it is still ending its part of the last transaction, say
		return false
	}
	if !u.follows && s.prologue(srv) {
		return false
	}
	s.send(srv, b[:u.size])
	return true
}

// send forwards s.next.
func (s *Session) send(srv *Server, b []byte) {
	u := &s.next
	s.active = srv
	if !srv.owes() {
		srv.answered = false
	}
	srv.batch = srv.batch[:0]
	switch u.end {
	case wire.Query, wire.FunctionCall, wire.Sync:
		srv.sent++
	case wire.Flush:
		s.streaming = !u.hide
	}
	if u.hide {
		srv.sent++
		srv.hide = srv.sent
	}
	s.reading = u.class == route.Read && u.end != 0 && srv.sent-srv.done == 1
	seq := srv.sent
	if (u.end == 0 || u.end == wire.Flush) && !u.hide {
		seq++ // it belongs to the unit that the Sync will end
	}
	if u.watch {
		srv.watch = seq
	}
	s.effectsSent(srv, seq)
	s.parsesSent(srv, seq)
	if u.class != route.Empty {
		s.w.Count(srv.Node, u.class, u.flags, u.verb)
	}
	if u.hide {
		if u.end == wire.Flush {
			b = b[:len(b)-wire.HeaderSize]
		}
		s.w.ToServer(srv, b)
		s.w.ToServer(srv, wire.AppendSync(nil))
		s.stage = waitDrain
		return
	}
	s.keep(srv, b)
	s.w.ToServer(srv, b)
	if u.whole > u.size {
		s.pass, s.passTo = u.whole-u.size, srv
	}
}
