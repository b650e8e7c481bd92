package conversation

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A fakeWorld writes down what a Session asks for, and lets a test play client and servers.
type fakeWorld struct {
	t       *testing.T
	s       *Session
	in      []byte // what the session left of the client's input
	retry   bool
	primary int
	reader  int
	log     []string
	down    map[int]bool // nodes that cannot be attached
}

func newFake(t *testing.T) *fakeWorld {
	w := &fakeWorld{t: t, primary: 0, reader: 1, down: map[int]bool{}}
	w.s = New(w)
	return w
}

func (w *fakeWorld) note(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

func (w *fakeWorld) ToClient(b []byte)                        { w.note("client < %s", show(b, true)) }
func (w *fakeWorld) ToServer(srv *Server, b []byte)           { w.note("%d > %s", srv.Node, show(b, false)) }
func (w *fakeWorld) Retry()                                   { w.retry = true }
func (w *fakeWorld) PrimaryNode() int                         { return w.primary }
func (w *fakeWorld) ReadNode() int                            { return w.reader }
func (w *fakeWorld) Attach(node int)                          { w.note("attach %d", node) }
func (w *fakeWorld) IsLocal(sql []byte) bool                  { return strings.HasPrefix(string(sql), "SHOW pool") }
func (w *fakeWorld) OwnsStatement(name []byte) bool           { return string(name) == "local" }
func (w *fakeWorld) Answer(unit []byte)                       { w.note("answer %s", show(unit, false)) }
func (w *fakeWorld) Count(int, route.Class, route.Flag, byte) {}
func (w *fakeWorld) CountError(int, string)                   {}
func (w *fakeWorld) Drop(srv *Server)                         { w.note("drop %d", srv.Node) }
func (w *fakeWorld) Released(srv *Server)                     { w.note("released %d", srv.Node) }
func (w *fakeWorld) Close(why *wire.Error) {
	if why == nil {
		w.note("close")
		return
	}
	w.note("close %s %s", why.Severity, why.Code)
}

// Classify knows just enough SQL for these tests; the real classifier has tests of its own.
func (w *fakeWorld) Classify(sql []byte, env *Env) route.Verdict {
	text := strings.TrimSpace(string(sql))
	if i := strings.Index(text, ";"); i >= 0 && i < len(text)-1 {
		return route.Verdict{Class: route.Multi, Flags: route.Writes}
	}
	word := strings.ToUpper(strings.SplitN(text, " ", 2)[0])
	named := func(class route.Class, target route.Target, skip string) route.Verdict {
		at := strings.Index(strings.ToUpper(text), skip) + len(skip)
		end := at
		for end < len(text) && text[end] != ' ' && text[end] != ';' && text[end] != '=' {
			end++
		}
		return route.Verdict{Class: class, Target: target, NameAt: uint32(at), NameEnd: uint32(end)}
	}
	switch word {
	case "SELECT":
		return route.Verdict{Class: route.Read, Target: route.Balance}
	case "SHOW":
		if w.IsLocal(sql) {
			return route.Verdict{Class: route.Admin, Target: route.Local}
		}
	case "BEGIN":
		v := route.Verdict{Class: route.Begin, Target: route.All}
		if strings.Contains(text, "READ ONLY") {
			v.Flags = route.ReadOnly
		}
		return v
	case "COMMIT":
		return route.Verdict{Class: route.Commit, Target: route.All}
	case "ROLLBACK":
		if strings.Contains(text, " TO ") {
			return named(route.RollbackTo, route.Primary, " TO ")
		}
		return route.Verdict{Class: route.Rollback, Target: route.All}
	case "SAVEPOINT":
		return named(route.Savepoint, route.Primary, "SAVEPOINT ")
	case "SET":
		return named(route.Set, route.All, "SET ")
	case "PREPARE":
		return named(route.Prepare, route.Balance, "PREPARE ")
	case "DEALLOCATE":
		return named(route.Deallocate, route.All, "DEALLOCATE ")
	case "DISCARD":
		return route.Verdict{Class: route.DiscardAll, Target: route.All}
	}
	return route.Verdict{Class: route.Write, Flags: route.Writes}
}

func (w *fakeWorld) ClassifyParse(sql []byte, env *Env) route.Verdict { return w.Classify(sql, env) }

// client sends messages of the client.
func (w *fakeWorld) client(messages ...[]byte) {
	w.in = append(w.in, bytes.Join(messages, nil)...)
	w.run()
}

// run gives the session what it has left, as a driver would.
func (w *fakeWorld) run() {
	for {
		w.retry = false
		n := w.s.FromClient(w.in)
		w.in = w.in[n:]
		if !w.retry || len(w.in) == 0 && !w.s.Repeats() {
			return
		}
	}
}

// server sends messages of a server.
func (w *fakeWorld) server(node int, messages ...[]byte) {
	w.t.Helper()
	srv := w.s.Server(node)
	if srv == nil {
		w.t.Fatalf("no server of node %d is attached; so far:\n%s", node, strings.Join(w.log, "\n"))
	}
	b := bytes.Join(messages, nil)
	if n := w.s.FromServer(srv, b); n != len(b) {
		w.t.Fatalf("%d of %d bytes of node %d were used", n, len(b), node)
	}
	w.run()
}

// attach answers Attach.
func (w *fakeWorld) attach(node int) {
	w.s.Attached(NewServer(node, nil))
	w.run()
}

// want compares what happened since the last want.
func (w *fakeWorld) want(lines ...string) {
	w.t.Helper()
	got, wanted := strings.Join(w.log, "\n"), strings.Join(lines, "\n")
	if got != wanted {
		w.t.Fatalf("got:\n%s\nwanted:\n%s", got, wanted)
	}
	w.log = nil
}

// show prints messages: type letter and, where it helps, their text.
func show(b []byte, fromServer bool) string {
	var out []string
	for len(b) > 0 {
		typ, size, ok := wire.Header(b)
		if !ok || size > len(b) {
			out = append(out, fmt.Sprintf("...%d", len(b)))
			break
		}
		body := b[wire.HeaderSize:size]
		b = b[size:]
		switch {
		case fromServer && typ == 'Z':
			out = append(out, "Z"+string(body))
		case fromServer && typ == 'E':
			_, code, _ := wire.ErrorFields(body)
			out = append(out, "E:"+code)
		case fromServer && typ == 'D':
			out = append(out, fmt.Sprintf("D%q", body))
		case fromServer:
			out = append(out, string(rune(typ)))
		case typ == 'Q':
			out = append(out, "Q:"+strings.TrimRight(string(body), "\x00"))
		case typ == 'P' || typ == 'B' || typ == 'D' || typ == 'C' || typ == 'E':
			out = append(out, string(rune(typ))+":"+strings.ReplaceAll(strings.TrimRight(string(body), "\x00"), "\x00", "|"))
		default:
			out = append(out, string(rune(typ)))
		}
	}
	return strings.Join(out, " ")
}

func message(typ byte, body string) []byte {
	n := len(body) + 4
	return append([]byte{typ, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

func query(sql string) []byte       { return message('Q', sql+"\x00") }
func parse(name, sql string) []byte { return message('P', name+"\x00"+sql+"\x00\x00\x00") }
func bind(portal, name string) []byte {
	return message('B', portal+"\x00"+name+"\x00\x00\x00\x00\x00\x00\x00")
}
func execute(portal string) []byte        { return message('E', portal+"\x00\x00\x00\x00\x00") }
func describe(what byte, n string) []byte { return message('D', string(rune(what))+n+"\x00") }
func closes(what byte, n string) []byte   { return message('C', string(rune(what))+n+"\x00") }

var (
	syncs  = message('S', "")
	flush  = message('H', "")
	end    = message('X', "")
	rowOK  = append(message('D', "\x00\x00"), message('C', "SELECT 1\x00")...)
	done   = message('C', "OK\x00")
	parsed = message('1', "")
	bound  = message('2', "")
	closed = message('3', "")
	copyIn = message('G', "\x00\x00\x00")
	idle   = message('Z', "I")
	inTx   = message('Z', "T")
	failed = message('Z', "E")
)

func fault(code string) []byte { return wire.AppendError(nil, &wire.Error{Code: code, Message: "no"}) }
