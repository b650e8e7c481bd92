package conversation

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A chance is what a fuzzer decides about the order of events; without more of it everything happens at once and in turn.
type chance struct{ b []byte }

func (c *chance) next() int {
	if len(c.b) == 0 {
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return int(v)
}

// cut takes a piece of n bytes, mostly all of it.
func (c *chance) cut(n int) int {
	v := c.next()
	if v < 128 || n == 0 {
		return n
	}
	return min(n, 1+(v-128)*(v-128)) // small pieces as well as large ones
}

// inflated replaces 0xFE and the byte k behind it by k*256 bytes, so that a short input can hold a long message.
func inflated(b []byte) (out []byte) {
	for i := 0; i < len(b) && len(out) < 1<<20; i++ {
		if b[i] == 0xFE && i+1 < len(b) {
			i++
			out = append(out, bytes.Repeat([]byte("x"), int(b[i])<<8)...)
			continue
		}
		out = append(out, b[i])
	}
	return out
}

// A framer follows a stream of messages.
type framer struct {
	header []byte
	left   int
	owner  *Server // who began the message that has not ended
}

func (f *framer) inside() bool { return f.left > 0 || len(f.header) > 0 }

// take follows b. Impossible lengths are an error, because nothing behind them means anything.
func (f *framer) take(b []byte) error {
	for len(b) > 0 {
		if f.left > 0 {
			k := min(f.left, len(b))
			f.left -= k
			b = b[k:]
			continue
		}
		k := min(wire.HeaderSize-len(f.header), len(b))
		f.header = append(f.header, b[:k]...)
		b = b[k:]
		if _, size, ok := wire.Header(f.header); ok {
			if size < wire.HeaderSize {
				return fmt.Errorf("impossible message % x", f.header)
			}
			f.left = size - wire.HeaderSize
			f.header = f.header[:0]
		}
	}
	return nil
}

// A fuzzWorld is the World of a Session of which a fuzzer plays one side. It fails the test when the session does
// what no driver can live with.
type fuzzWorld struct {
	fakeWorld
	chance
	out       framer // to the client
	speaking  *Server
	said      []byte              // what it says now
	talk      map[*Server]*framer // what the servers have said before
	closed    bool
	attaching bool
	attachTo  int
	answering bool
	peers     map[*Server]func(b []byte) // who gets what is sent to a server
	events    int                        // calls of the session, to see whether anything happens at all
	sent      int                        // bytes of the client
}

func newFuzz(t *testing.T, chances []byte) *fuzzWorld {
	w := &fuzzWorld{chance: chance{chances}, peers: map[*Server]func([]byte){}, talk: map[*Server]*framer{}}
	w.t, w.reader = t, 1
	w.s = New(w)
	return w
}

func (w *fuzzWorld) ToClient(b []byte) {
	w.events++
	if w.closed {
		return // the driver sends nothing more
	}
	if w.out.inside() && w.out.owner != w.speaking {
		w.t.Fatalf("the client gets %q in the middle of another message", b[:min(len(b), 40)])
	}
	if !w.out.inside() && !w.begins(b) {
		w.t.Fatalf("the client gets %q, which is the middle of a message", b[:min(len(b), 40)])
	}
	if err := w.out.take(b); err != nil {
		w.t.Fatalf("the client gets an %v", err)
	}
	w.out.owner = w.speaking
}

// begins tells whether a piece of what a server says now is where a message begins.
func (w *fuzzWorld) begins(piece []byte) bool {
	if w.speaking == nil || len(piece) == 0 || len(w.said) == 0 || &piece[:cap(piece)][cap(piece)-1] != &w.said[:cap(w.said)][cap(w.said)-1] {
		return true // pgrouter says it itself
	}
	before := *w.talk[w.speaking]
	return before.take(w.said[:cap(w.said)-cap(piece)]) == nil && !before.inside()
}

func (w *fuzzWorld) ToServer(srv *Server, b []byte) {
	w.events++
	send, ok := w.peers[srv]
	if !ok {
		w.t.Fatalf("%q goes to a server that was given up", b[:min(len(b), 40)])
	}
	send(b)
}

func (w *fuzzWorld) Attach(node int) {
	w.events++
	if w.attaching {
		w.t.Fatal("a second server connection is asked for while the first is on its way")
	}
	w.attaching, w.attachTo = true, node
}

func (w *fuzzWorld) Answer([]byte) {
	w.events++
	if w.answering {
		w.t.Fatal("a second answer is asked for before the first")
	}
	w.answering = true
}

func (w *fuzzWorld) Drop(srv *Server) {
	w.events++
	w.leave(srv, "dropped")
}

func (w *fuzzWorld) Released(srv *Server) {
	w.events++
	if srv.Busy() || srv.Status() != wire.Idle {
		w.t.Fatalf("a server in state %c, busy %v, is given back", srv.Status(), srv.Busy())
	}
	w.leave(srv, "released")
}

func (w *fuzzWorld) leave(srv *Server, how string) {
	if _, ok := w.peers[srv]; !ok {
		w.t.Fatalf("a server was %s that was not there", how)
	}
	delete(w.peers, srv)
}

func (w *fuzzWorld) Close(why *wire.Error) {
	w.events++
	if why != nil && !w.closed && w.out.inside() {
		w.t.Fatalf("the client is told %q in the middle of a message", why.Message)
	}
	w.closed = true
}

// Classify leaves out what the tests' little classifier cannot count in.
func (w *fuzzWorld) Classify(sql []byte, env *Env) route.Verdict {
	if bytes.ContainsFunc(sql, func(r rune) bool { return r > 126 }) {
		return route.Verdict{Class: route.Write, Flags: route.Writes}
	}
	return w.fakeWorld.Classify(sql, env)
}

func (w *fuzzWorld) ClassifyParse(sql []byte, env *Env) route.Verdict { return w.Classify(sql, env) }

// fromClient gives the session input as a driver does, until it neither takes more nor asks to be called again.
func (w *fuzzWorld) fromClient(b []byte) {
	w.in = append(w.in, b...)
	w.sent += len(b)
	for idle := 0; ; {
		w.retry = false
		before := w.events
		used := w.s.FromClient(w.in)
		if used < 0 || used > len(w.in) {
			w.t.Fatalf("FromClient used %d of %d bytes", used, len(w.in))
		}
		w.in = w.in[used:]
		if !w.retry {
			break
		}
		if idle++; used > 0 || w.events != before {
			idle = 0
		}
		if idle > 10 {
			w.t.Fatalf("FromClient asks to be called again and again; stage %d", w.s.stage)
		}
	}
	if w.s.stage == ready && len(w.in) >= holdLimit+len(b) {
		w.t.Fatalf("%d bytes are kept to see what they are", len(w.in))
	}
	w.bounded()
}

// bounded looks at what the session itself holds on to: all of it came from the client, and nothing more than a few times.
func (w *fuzzWorld) bounded() {
	held := 0
	for name, st := range w.s.stmts {
		held += len(name) + len(st.message)
	}
	for name := range w.s.portals {
		held += len(name)
	}
	effects := w.s.coming
	for _, srv := range w.s.servers {
		effects = append(effects[:len(effects):len(effects)], srv.effects...)
		for name := range srv.names {
			held += len(name)
		}
		for _, c := range srv.closing {
			held += len(c.name)
		}
	}
	for _, e := range effects {
		held += len(e.key) + len(e.sql) + len(e.name)
	}
	if r := w.s.replay; r != nil {
		for _, e := range append(r.entries[:len(r.entries):len(r.entries)], r.pending...) {
			held += len(e.key) + len(e.sql) + len(e.prepares)
		}
	}
	if held > 8*w.sent+1000 {
		w.t.Fatalf("%d bytes are held of a client that has sent %d", held, w.sent)
	}
}

// fromServer gives the session what a server says, and returns what it leaves.
func (w *fuzzWorld) fromServer(srv *Server, b []byte) (rest []byte) {
	if w.talk[srv] == nil {
		w.talk[srv] = new(framer)
	}
	w.speaking, w.said = srv, b
	used := w.s.FromServer(srv, b)
	w.speaking, w.said = nil, nil
	if used < 0 || used > len(b) {
		w.t.Fatalf("FromServer used %d of %d bytes", used, len(b))
	}
	if _, still := w.peers[srv]; !still {
		return nil
	}
	w.talk[srv].take(b[:used])
	if len(b)-used >= streamFrom {
		w.t.Fatalf("%d bytes of a server are kept", len(b)-used)
	}
	return b[used:]
}

// again is what a driver does at Retry.
func (w *fuzzWorld) again() {
	if w.retry {
		w.fromClient(nil)
	}
}

// lost breaks a server connection.
func (w *fuzzWorld) lost(srv *Server) {
	delete(w.peers, srv)
	w.s.Lost(srv)
	w.again()
}

// attach answers Attach, one way or the other.
func (w *fuzzWorld) attach(peer func(srv *Server) func([]byte)) {
	w.attaching = false
	node := w.attachTo
	switch v := w.next(); {
	case node < 0:
		node = w.primary
		fallthrough
	case v < 200:
		srv := NewServer(node, nil)
		w.peers[srv] = peer(srv)
		w.s.Attached(srv)
	case v < 220:
		w.s.AttachFailed(node, fault("57P03"), nil)
	case v < 240:
		w.s.AttachFailed(node, nil, &wire.Error{Code: "08006", Message: "no"})
	default:
		w.s.AttachFailed(node, nil, &wire.Error{Severity: "FATAL", Code: "57P01", Message: "no"})
	}
	w.again()
}

// answer answers Answer.
func (w *fuzzWorld) answer() {
	w.answering = false
	if w.next() < 128 {
		w.s.Answered(rowOK, false)
	} else {
		w.s.Answered(fault("22023"), true)
	}
	w.again()
}

// end is the client's end: every server must be given back or given up.
func (w *fuzzWorld) end() {
	w.closed = true
	w.s.End([]string{"ABORT", "DISCARD ALL"})
}

func (w *fuzzWorld) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stage %d, %d bytes of input left", w.s.stage, len(w.in))
	for _, srv := range w.s.servers {
		fmt.Fprintf(&b, "; node %d: %d of %d answered, swallow %d, state %c, %d bytes of a message to come",
			srv.Node, srv.done, srv.sent, srv.swallow, srv.status, srv.left)
	}
	return b.String()
}
