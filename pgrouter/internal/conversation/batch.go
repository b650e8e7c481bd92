package conversation

import (
	"slices"

	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A batch is what is known of the extended-protocol messages that are being sent.
type batch struct {
	used         bool
	parses       []*statement // registered in it, in order
	parsesBefore int          // of the same batch, sent already
	closes       []closing    // of prepared statements
	closesBefore int          // Close messages so far, of portals too
	wants        []*statement // used and not made in it
	absent       []string     // used though the client has closed them: no server may still have them
	bound        []portal     // in it
}

// A closing is a prepared statement that is closed, unless the server passes over the Close after an error.
type closing struct {
	name  string
	st    *statement // of the session; nil: it knew none of the name
	had   *statement // of the server
	seq   uint32
	order int // as which Close of the unit, from 1
}

type portal struct {
	name string
	st   *statement
}

// bind notes that a portal is made; one of the same name made before in the batch is gone.
func (b *batch) bind(name []byte, st *statement) {
	for i := range b.bound {
		if b.bound[i].name == string(name) {
			b.bound[i].st = st
			return
		}
	}
	b.bound = append(b.bound, portal{string(name), st})
}

func (b *batch) find(name []byte) *statement {
	for i := len(b.bound) - 1; i >= 0; i-- {
		if b.bound[i].name == string(name) {
			return b.bound[i].st
		}
	}
	return nil
}

// extent finds the end of a batch: the size up to and with its Sync or Flush.
func extent(b []byte) (size int, end byte) {
	for {
		typ, n, ok := wire.Header(b[size:])
		if !ok || n < wire.HeaderSize || size+n > len(b) {
			return size, 0
		}
		size += n
		if typ == wire.Sync || typ == wire.Flush {
			if n != wire.HeaderSize {
				return size - n, wire.Terminate // it will end the session
			}
			return size, typ
		}
		switch typ {
		case wire.Query, wire.FunctionCall, wire.Terminate, wire.CopyData, wire.CopyDone, wire.CopyFail:
			return size - n, typ
		}
	}
}

// lookBatch decides about a batch of the extended protocol: one place for all of it.
func (s *Session) lookBatch(b []byte) (used int, more bool) {
	size, end := extent(b)
	if end == 0 && len(b) < holdLimit {
		return 0, true
	}
	if s.local(b[:size]) {
		return s.answerBatch(size, end, b)
	}
	if !s.mayDecide(false) {
		return 0, true
	}
	if end == 0 {
		// Its end is out of sight: all of it goes to the primary, message by message.
		srv := s.Server(s.primaryOrHome())
		if srv == nil || s.active != srv {
			s.next = unit{node: s.primaryOrHome(), class: route.Empty, all: true}
			return 0, !s.open()
		}
		s.streaming = true
		return 0, false
	}
	if s.uncertain(b[:size]) && s.drains() {
		return 0, true
	}
	s.newBatch()
	all, runs := s.inspect(b[:size])
	s.next = unit{size: size, whole: size, end: end, class: route.Empty}
	u := &s.next
	if end != wire.Sync && end != wire.Flush {
		u.end, u.hide = 0, true // a Query breaks in, or COPY data: what becomes of it depends on what is before it
	}
	switch {
	case all.node >= 0 && s.status != wire.Failed:
		u.node = all.node
	case s.active != nil && s.active.owes():
		u.node = s.active.Node
	case s.status == wire.Failed && s.home != nil:
		u.node = s.home.Node
	case all.elsewhere:
		u.node = s.primary()
	case runs || s.status == wire.Idle:
		u.node = s.reader()
		u.read = true
	case s.home != nil && !s.here:
		u.node = s.home.Node // it may be for anything: no other server need join the transaction for it
	default:
		u.node = s.primary()
	}
	u.class, u.flags, u.verb = all.class, all.flags, all.verb
	if end == wire.Flush {
		if runs {
			// Whether more than reads will follow is not known, and one transaction has one place.
			if all.node < 0 {
				u.node = s.primaryOrHome()
			}
			u.read = false
			u.all = true
		} else {
			u.hide = true
		}
	}
	return 0, false
}

// open makes the primary the active server before a batch streams to it. It reports false while that waits.
func (s *Session) open() bool {
	u := &s.next
	srv := s.Server(u.node)
	switch {
	case srv == nil:
		s.stage = waitAttach
		s.w.Attach(u.node)
		return false
	case !srv.forwards():
		s.stage = waitPrologue
		return false
	}
	s.newBatch()
	if s.prologue(srv) {
		return false
	}
	s.active = srv
	s.streaming = true
	*u = unit{}
	return true
}

func (s *Session) newBatch() {
	b := s.batch
	if b == nil {
		b = new(batch)
		s.batch = b
	}
	*b = batch{used: true, parses: b.parses[:0], closes: b.closes[:0], wants: b.wants[:0], absent: b.absent[:0], bound: b.bound[:0]}
}

// local tells whether a batch concerns statements that pgrouter answers itself.
func (s *Session) local(b []byte) bool {
	for len(b) >= wire.HeaderSize {
		typ, size, _ := wire.Header(b)
		if size < wire.HeaderSize || size > len(b) {
			return false
		}
		body := b[wire.HeaderSize:size]
		b = b[size:]
		var name []byte
		switch typ {
		case wire.Parse:
			_, rest, _ := wire.CString(body)
			if text, ok := wire.Text(rest); ok && s.w.IsLocal(text) {
				return true
			}
			continue
		case wire.Bind:
			_, rest, _ := wire.CString(body)
			name, _, _ = wire.CString(rest)
		case wire.Describe, wire.Close:
			if len(body) < 2 || body[0] != 'S' {
				continue
			}
			name, _, _ = wire.CString(body[1:])
		default:
			continue
		}
		if s.find(name) == nil && s.w.OwnsStatement(name) {
			return true
		}
	}
	return false
}

// uncertain tells whether where a batch may go depends on answers that are still to come: it gives a name to a statement
// that an earlier one may have or not, or goes on with a portal, which may be on another server.
func (s *Session) uncertain(b []byte) bool {
	if s.active == nil || !s.active.owes() {
		return false
	}
	closes := func(name []byte) bool {
		return slices.ContainsFunc(s.active.closing, func(c closing) bool { return c.name == string(name) })
	}
	bound := false
	for len(b) >= wire.HeaderSize {
		typ, size, _ := wire.Header(b)
		body := b[wire.HeaderSize:size]
		b = b[size:]
		first, rest, _ := wire.CString(body)
		switch typ {
		case wire.Parse:
			if len(first) > 0 && s.stmts[string(first)] != nil || closes(first) {
				return true
			}
		case wire.Bind:
			bound = true
			if name, _, _ := wire.CString(rest); closes(name) {
				return true
			}
		case wire.Describe, wire.Close:
			if len(first) > 0 && (first[0] == 'S' && closes(first[1:]) || typ == wire.Describe && first[0] == 'P' && !bound) {
				return true
			}
		case wire.Execute:
			if !bound {
				return true
			}
		}
	}
	return false
}

// answerBatch has pgrouter answer a batch. Statements of the servers cannot be mixed in, which the answer says.
func (s *Session) answerBatch(size int, end byte, b []byte) (used int, more bool) {
	if s.drains() {
		return 0, true
	}
	s.unnamedGone()
	s.stage = waitAnswer
	s.drop = size
	s.answerEnd = end
	if end == wire.Sync || end == wire.Flush {
		size -= wire.HeaderSize
	}
	s.w.Answer(b[:size])
	return 0, true
}

// Answered brings the reply that World.Answer was asked for, without ReadyForQuery.
func (s *Session) Answered(reply []byte, failed bool) {
	if s.stage != waitAnswer {
		return
	}
	s.stage = ready
	if s.answerEnd == wire.Sync || s.answerEnd == 0 {
		reply = wire.AppendReady(reply, s.status)
	} else {
		s.skip = failed
	}
	s.answerEnd = 0
	s.w.ToClient(reply)
	s.w.Retry()
}

// A placement is where a batch may run, and what kind of statement it runs, as far as it has been read.
type placement struct {
	elsewhere bool // something in it is not a read
	node      int  // where a portal that it uses lives; -1
	class     route.Class
	flags     route.Flag
	verb      byte
}

// at notes the target of a statement.
func (p *placement) at(t route.Target) { p.elsewhere = p.elsewhere || t != route.Balance }

// on notes the node that has something; -1: none has.
func (p *placement) on(node int) {
	if node >= 0 {
		p.node = node
	}
}

// inspect registers what a batch makes and finds out where it may run.
func (s *Session) inspect(b []byte) (p placement, runs bool) {
	p.node = -1
	for len(b) >= wire.HeaderSize {
		typ, size, _ := wire.Header(b)
		runs = s.inspectMessage(typ, b[:size], &p) || runs
		b = b[size:]
	}
	if p.class == route.Unknown && !runs {
		p.class = route.Empty
	}
	return p, runs
}

// inspectMessage does so for one whole message. runs tells whether it executes something.
func (s *Session) inspectMessage(typ byte, m []byte, p *placement) (runs bool) {
	body := m[wire.HeaderSize:]
	switch typ {
	case wire.Parse:
		name, rest, ok := wire.CString(body)
		text, ok2 := wire.Text(rest)
		if !ok || !ok2 {
			p.elsewhere = true
			return false
		}
		v := s.w.ClassifyParse(text, &s.env)
		p.at(v.Target)
		if st := s.parsed(name, text, m, v); st != nil {
			s.batch.parses = append(s.batch.parses, st)
			st.freed = slices.ContainsFunc(s.batch.closes, func(c closing) bool { return c.name == st.name })
		} else {
			s.want(s.find(name)) // the server shall say that the name is taken
		}
	case wire.Bind:
		name, rest, ok := wire.CString(body)
		stmt, _, ok2 := wire.CString(rest)
		if !ok || !ok2 {
			p.elsewhere = true
			return true
		}
		st := s.find(stmt)
		if st == nil {
			s.unknown(stmt, p)
		} else {
			p.at(st.verdict.Target)
			s.want(st)
		}
		s.batch.bind(name, st)
		return true
	case wire.Describe, wire.Close:
		if len(body) < 2 {
			p.elsewhere = true
			return false
		}
		name, _, ok := wire.CString(body[1:])
		if typ == wire.Close {
			s.batch.closesBefore++
		}
		switch {
		case !ok:
			p.elsewhere = true
		case body[0] == 'P':
			if s.batch.find(name) == nil {
				p.on(s.portalNode(name))
			}
		case typ == wire.Close:
			c := closing{st: s.stmts[string(name)], name: string(name), order: s.batch.closesBefore}
			delete(s.stmts, c.name)
			s.batch.closes = append(s.batch.closes, c)
		default:
			if st := s.find(name); st != nil {
				p.at(st.verdict.Target)
				s.want(st)
			} else {
				s.unknown(name, p)
			}
		}
	case wire.Execute:
		name, _, _ := wire.CString(body)
		st := s.batch.find(name)
		if st == nil {
			p.elsewhere = true
			p.on(s.portalNode(name))
			return true
		}
		var sql []byte
		if len(st.message) > 0 {
			sql = st.sql()
		}
		v := st.verdict
		if v.Class != route.Empty {
			p.class, p.flags, p.verb = v.Class, v.Flags, verb(sql)
		}
		if sql == nil && v.Class == route.Unknown {
			s.next.watch = true
		}
		p.at(s.routing.Decide(v, sql))
		s.remember(v, sql)
		if v.Class == route.Begin || controls(v) {
			if node, read := s.where(v, route.Primary); read || controls(v) && s.home != nil {
				p.on(node)
			}
		}
		return true
	}
	return false
}

// unknown places a use of a prepared statement that no Parse has made: PREPARE may have, on the primary. The unnamed
// one is gone after a Query, and certainly so where that Query ran.
func (s *Session) unknown(name []byte, p *placement) {
	p.elsewhere = true
	if len(name) > 0 {
		s.batch.absent = append(s.batch.absent, string(name))
	} else if s.active != nil {
		p.node = s.active.Node
	}
}

// want notes that the batch needs a statement on its server.
func (s *Session) want(st *statement) {
	if st == nil || len(st.message) == 0 {
		return
	}
	for _, made := range s.batch.parses {
		if made == st {
			return
		}
	}
	for _, have := range s.batch.wants {
		if have == st {
			return
		}
	}
	s.batch.wants = append(s.batch.wants, st)
}

// note registers one message of a batch that streams.
func (s *Session) note(typ byte, size int, b []byte) {
	if s.batch == nil || !s.batch.used {
		s.newBatch()
	}
	if size > len(b) {
		// Too long to be read: a Parse is known by its name only, a Bind by what it binds.
		switch typ {
		case wire.Parse:
			if name, _, ok := wire.CString(b[wire.HeaderSize:]); ok {
				if st := s.parsed(name, nil, b, route.Verdict{}); st != nil {
					st.message = nil
					s.batch.parses = append(s.batch.parses, st)
				}
			}
		case wire.Bind:
			if name, rest, ok := wire.CString(b[wire.HeaderSize:]); ok {
				stmt, _, _ := wire.CString(rest)
				s.batch.bind(name, s.find(stmt))
			}
		}
		return
	}
	var p placement // where it runs is decided
	s.inspectMessage(typ, b, &p)
}
