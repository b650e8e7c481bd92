package conversation

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pieces are what random clients are made of.
var pieces = [][]byte{
	query("SELECT a"), query("SELECT b"), query("INSERT"), query("SET a = 1"), query("SET a = 2"), query("SET b = 3"),
	query("BEGIN"), query("BEGIN"), query("COMMIT"), query("ROLLBACK"), query("BAD"), query("SAVEPOINT x"), query("ROLLBACK TO x"),
	query("SET a = 4; SELECT a"), query("SET a = 5; BAD"), query("BEGIN READ ONLY"), query("DISCARD ALL"), query(""),
	query("PREPARE q AS SELECT a"), query("DEALLOCATE q"), query("SELECT a; SELECT b"),
	parse("", "SELECT a"), parse("", "INSERT"), parse("p", "SELECT b"), parse("p", "SET b = 6"), parse("", "BAD"), parse("s", "SET a = 7"),
	// A Bind of the unnamed statement, or an Execute of the unnamed portal, that a Query or an error has destroyed
	// is left out: on another server they may still be there, and no driver does it.
	bind("", "p"), bind("", "s"), bind("c", "p"), bind("", "q"), execute("c"), describe('S', "p"), describe('P', "c"),
	closes('S', "p"), closes('S', "s"), syncs, syncs, syncs,
	join(parse("", "SELECT a"), bind("", ""), execute(""), syncs),
	join(parse("", "SET a = 8"), bind("", ""), execute(""), syncs),
	join(bind("", "p"), execute(""), syncs),
	join(parse("p", "SELECT b"), describe('S', "p"), flush),
	join(parse("p", "SELECT b"), describe('S', "p"), syncs),
	join(parse("", "BEGIN"), bind("", ""), execute(""), syncs),
	join(parse("", "COMMIT"), bind("", ""), execute(""), syncs),
	flush,
}

var codes = regexp.MustCompile("E:25P02|E:42601|E:26000|E:42P05|E:34000")

func join(b ...[]byte) []byte { return bytes.Join(b, nil) }

// A client must not be able to tell a session over two servers from one over a single server, whatever it sends, however
// its bytes and the servers' are cut, and whichever server answers first.
func TestNobodyNoticesTheSecondServer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { compare(t) })
}

func compare(t *rapid.T) {
	script := rapid.SliceOfN(rapid.IntRange(0, len(pieces)-1), 1, 40).Draw(t, "script")
	single := newModel()
	pair := &pairWorld{t: t, nodes: []*modelServer{newModel(), newModel()}, toNode: make([][]byte, 2)}
	pair.fakeWorld.s = New(pair)
	var sent []string
	open := false
	for i := range len(script) + 1 {
		piece := syncs // at the end, so that nothing stays open
		if i < len(script) {
			piece = pieces[script[i]]
		}
		// A Query in an open batch ends the batch's transaction a little earlier than a single server does; that is
		// a known difference.
		if piece[0] == 'Q' && open {
			piece = join(syncs, piece)
		}
		open = piece[0] != 'Q' && !bytes.HasSuffix(piece, syncs)
		sent = append(sent, show(piece, false))
		single.take(piece)
		pair.pending = append(pair.pending, piece...)
		pair.steps(rapid.IntRange(0, 6).Draw(t, "steps"))
	}
	pair.settle()
	got, want := show(pair.client, true), show(single.out, true)
	// In a failed transaction one error may stand for another: what comes first depends on what the server lacks.
	if codes.ReplaceAllString(got, "E") != codes.ReplaceAllString(want, "E") {
		t.Fatalf("client sent:\n  %s\ngot:    %s\nwanted: %s\nlog:\n  %s", strings.Join(sent, "\n  "), got, want, strings.Join(pair.log, "\n  "))
	}
}

// pairWorld runs a Session over two model servers, in random order.
type pairWorld struct {
	fakeWorld
	t         *rapid.T
	nodes     []*modelServer
	toNode    [][]byte // on its way to a server
	fromNode  [2][]byte
	pending   []byte // on its way from the client
	client    []byte // what it got
	attaching int
	wants     bool
}

func (w *pairWorld) ToClient(b []byte) {
	w.client = append(w.client, b...)
	w.note("client < %s", show(b, true))
}

func (w *pairWorld) ToServer(srv *Server, b []byte) {
	w.toNode[srv.Node] = append(w.toNode[srv.Node], b...)
	w.note("%d > %s", srv.Node, show(b, false))
}
func (w *pairWorld) PrimaryNode() int { return 0 }
func (w *pairWorld) ReadNode() int    { return 1 }
func (w *pairWorld) Attach(node int)  { w.attaching, w.wants = node, true }
func (w *pairWorld) Drop(srv *Server) {
	w.t.Fatalf("server of node %d was dropped; log:\n  %s", srv.Node, strings.Join(w.log, "\n  "))
}

// step lets one thing happen; it reports false when there is nothing left to happen.
func (w *pairWorld) step(which int) bool {
	for k := range 5 {
		switch (which + k) % 5 {
		case 0:
			if len(w.pending) > 0 || w.retry {
				w.retry = false
				n := len(w.pending)
				if n > 0 {
					n = w.cut(n)
				}
				w.in = append(w.in, w.pending[:n]...)
				w.pending = w.pending[n:]
				used := w.s.FromClient(w.in)
				w.in = w.in[used:]
				return true
			}
		case 1, 2:
			node := (which+k)%5 - 1
			if b := w.toNode[node]; len(b) > 0 {
				w.toNode[node] = nil
				w.nodes[node].take(b)
				w.fromNode[node] = append(w.fromNode[node], w.nodes[node].out...)
				w.nodes[node].out = nil
				return true
			}
		case 3:
			for node := range w.fromNode {
				if b := w.fromNode[node]; len(b) > 0 {
					n := w.cut(len(b))
					used := w.s.FromServer(w.s.Server(node), b[:n])
					if used == n || n < len(b) || used > 0 {
						w.fromNode[node] = b[used:]
						if used == 0 { // it needs a whole message
							used = w.s.FromServer(w.s.Server(node), b)
							w.fromNode[node] = b[used:]
						}
						return true
					}
				}
			}
		case 4:
			if w.wants {
				w.wants = false
				w.s.Attached(NewServer(w.attaching, nil))
				return true
			}
		}
	}
	return false
}

func (w *pairWorld) cut(n int) int {
	if rapid.Bool().Draw(w.t, "whole") {
		return n
	}
	return rapid.IntRange(1, n).Draw(w.t, "cut")
}

func (w *pairWorld) steps(n int) {
	for range n {
		if !w.step(rapid.IntRange(0, 4).Draw(w.t, "which")) {
			return
		}
	}
}

func (w *pairWorld) settle() {
	for i := 0; w.step(rapid.IntRange(0, 4).Draw(w.t, "which")); i++ {
		if i > 10000 {
			w.t.Fatalf("it never ends; log:\n  %s", strings.Join(w.log, "\n  "))
		}
	}
	if len(w.in) > 0 || w.s.Busy() {
		w.t.Fatalf("it hangs with %s left, stage %d; log:\n  %s", show(w.in, false), w.s.stage, strings.Join(w.log, "\n  "))
	}
}
