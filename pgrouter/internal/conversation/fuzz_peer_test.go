package conversation

import (
	"bytes"

	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A peer is a modelServer behind a stream of bytes: messages come in pieces, some cannot be read, and there is COPY.
type peer struct {
	w       *fuzzWorld
	srv     *Server
	m       *modelServer
	in      []byte
	out     []byte // to the session, not yet delivered
	copying bool
	simple  bool // the COPY was begun by a Query
	dead    bool // it has said FATAL, and nothing will follow
}

func (p *peer) take(b []byte) {
	p.in = append(p.in, b...)
	for !p.dead {
		typ, size, ok := wire.Header(p.in)
		if !ok {
			return
		}
		if size < wire.HeaderSize {
			p.w.t.Fatalf("node %d gets a message of impossible length: % x", p.srv.Node, p.in[:wire.HeaderSize])
		}
		if size > len(p.in) {
			return
		}
		m := p.in[:size]
		p.in = p.in[size:]
		p.message(typ, m)
		p.out = append(p.out, p.m.out...)
		p.m.out = nil
	}
}

func (p *peer) message(typ byte, m []byte) {
	body := m[wire.HeaderSize:]
	switch {
	case !legible(typ, body):
		p.m.out = wire.AppendError(p.m.out, &wire.Error{Severity: "FATAL", Code: "08P01", Message: "no"})
		p.dead = true
	case p.copying:
		p.copy(typ)
	case typ == wire.CopyData || typ == wire.CopyDone || typ == wire.CopyFail || typ == wire.Flush || p.m.skip && typ != wire.Sync:
	case typ == wire.FunctionCall:
		p.m.start()
		p.m.fail("0A000")
		p.m.undo()
		p.m.ready()
	case typ == wire.Query && string(body) == "COPY\x00" && p.m.status != wire.Failed:
		p.begin(true)
	case typ == wire.Execute && p.portal(body) == "COPY" && p.m.status != wire.Failed:
		p.begin(false)
	default:
		p.m.take(m)
	}
}

func (p *peer) portal(body []byte) string {
	name, _, _ := wire.CString(body)
	return p.m.portals[string(name)]
}

func (p *peer) begin(simple bool) {
	p.m.start()
	p.copying, p.simple = true, simple
	p.m.say(wire.CopyInResponse, "\x00\x00\x00")
}

// copy is a message while COPY data is read: Flush and Sync are ignored, what is not data ends the session, because only the
// type of the message has been read then (PostgreSQL's CopyGetData and PostgresMain).
func (p *peer) copy(typ byte) {
	switch typ {
	case wire.CopyData, wire.Flush, wire.Sync:
		return
	case wire.CopyDone:
		p.m.say(wire.CommandComplete, "COPY 1\x00")
	case wire.CopyFail:
		p.m.fail("57014")
		p.m.undo()
		p.m.skip = !p.simple
	default:
		p.m.fail("08P01")
		p.m.out = wire.AppendError(p.m.out, &wire.Error{Severity: "FATAL", Code: "08P01", Message: "no"})
		p.dead = true
		return
	}
	p.copying = false
	if p.simple {
		p.m.ready()
	}
}

// legible tells whether a server could read the message; it ends the session when it cannot.
func legible(typ byte, body []byte) bool {
	text := func() bool {
		var ok bool
		_, body, ok = wire.CString(body)
		return ok
	}
	switch typ {
	case wire.Query, wire.CopyFail:
		return text() && len(body) == 0
	case wire.Parse:
		return text() && text() && len(body) >= 2
	case wire.Bind:
		return text() && text()
	case wire.Describe, wire.Close:
		if len(body) < 2 || body[0] != 'S' && body[0] != 'P' {
			return false
		}
		return text() && len(body) == 0
	case wire.Execute:
		return text() && len(body) == 4
	case wire.Sync, wire.Flush, wire.CopyDone:
		return len(body) == 0
	}
	return bytes.IndexByte([]byte{wire.FunctionCall, wire.CopyData}, typ) >= 0
}
