package conversation

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"testing"
)

// long is a message of n times 256 bytes more than its body, as inflated understands it.
func long(typ byte, head string, n byte, tail string) []byte {
	size := 4 + len(head) + int(n)<<8 + len(tail)
	b := binary.BigEndian.AppendUint32([]byte{typ}, uint32(size))
	return append(append(append(b, head...), 0xFE, n), tail...)
}

// FuzzClient is a client that sends anything, in front of two servers that behave. Whatever it does, the session
// neither panics nor hangs nor spins, what goes to the servers are whole messages, and what comes back to the client too.
func FuzzClient(f *testing.F) {
	add := func(chances string, messages ...[]byte) { f.Add(bytes.Join(messages, nil), []byte(chances)) }
	for i, piece := range pieces {
		add("", piece, syncs)
		add("\x01\x02\x03\x04\x05\x06\x07\xf0\x90\xa0", query("BEGIN"), piece, pieces[(i+7)%len(pieces)], syncs, query("COMMIT"))
	}
	add("", query("COPY"), message('d', "row"), message('c', ""), query("SELECT a"))
	add("\xff\x81\xff\x81", query("COPY"), message('f', "stop\x00"), syncs)
	add("", parse("", "COPY"), bind("", ""), execute(""), syncs, message('d', "row"), message('c', ""), syncs, query("SELECT a"))
	add("", parse("", "COPY"), bind("", ""), execute(""), flush, message('f', "stop\x00"), syncs, query("SELECT a"))
	add("", query("SHOW pool_nodes"), query("SELECT a"), parse("local", "SHOW pool_nodes"), describe('S', "local"), flush, syncs)
	add("", long('Q', "SELECT ", 255, "\x00"), long('Q', "SELECT ", 255, long255+"\x00"), query("SELECT a"))
	add("\x85\x90\xa0\xb0", long('Q', "SELECT a", 250, "\x00"), end)
	add("", long('P', "p\x00SELECT ", 255, "\xfe\xff\x00\x00\x00"), bind("", "p"), execute(""), syncs)
	add("", long('P', "\x00SELECT ", 100, "\x00\x00\x00"), long('B', "\x00\x00", 100, ""), long('B', "\x00\x00", 100, ""), execute(""), syncs, query("SELECT a"))
	add("", message('F', "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"), message('d', ""), message('c', ""), flush, syncs, end)
	add("", parse("p", "SELECT a"), parse("p", "SELECT b"), bind("c", "p"), query("SELECT a"), execute("c"), syncs)
	add("\x00\x00\xd0\x00\x00\xe0\x00\xf0", query("SELECT a"), query("INSERT"), query("SELECT b"))
	add("", []byte{'Q', 0, 0, 0, 3}, []byte{'Q', 0x7f, 0xff, 0xff, 0xff}, message('?', ""), message('Q', "no end"))
	f.Fuzz(func(t *testing.T, client, chances []byte) {
		fuzzClient(t, inflated(client), chances)
	})
}

// long255 makes a message longer than what is held back.
const long255 = "\xfe\xff"

func fuzzClient(t *testing.T, client, chances []byte) {
	w := newFuzz(t, chances)
	peers := map[*Server]*peer{}
	for turn := 0; ; turn++ {
		if turn > 100_000 {
			t.Fatalf("it never ends; %s", w.describe())
		}
		maps.DeleteFunc(peers, func(srv *Server, _ *peer) bool { return w.peers[srv] == nil })
		moved := false
		for k, which := 0, w.next(); k < 5 && !moved; k++ {
			switch (which + k) % 5 {
			case 0:
				if moved = len(client) > 0 && !w.closed; moved {
					n := w.cut(len(client))
					w.fromClient(client[:n])
					client = client[n:]
				}
			case 1, 2:
				moved = speak(w, peers, (which+k)%5-1)
			case 3:
				if moved = w.attaching; moved {
					w.attach(func(srv *Server) func([]byte) {
						peers[srv] = &peer{w: w, srv: srv, m: newModel()}
						return peers[srv].take
					})
				}
			case 4:
				if moved = w.answering; moved {
					w.answer()
				}
			}
		}
		if which := w.next(); which > 240 && len(w.s.servers) > 0 {
			srv := w.s.servers[which%len(w.s.servers)]
			if which > 250 {
				w.lost(srv)
				moved = true
			} else if p := peers[srv]; p != nil && len(p.out) == 0 {
				p.out, p.dead = farewell("57P01"), true // which is read when more has been sent there, perhaps
				moved = true
			}
		}
		if !moved {
			break
		}
	}
	if w.s.stage != ready && w.s.stage != ended || w.s.Repeats() {
		t.Fatalf("it hangs: %s", w.describe())
	}
	if !w.closed && w.out.inside() {
		t.Fatalf("the client has half a message: %s", w.describe())
	}
	w.end()
	for turn := 0; speak(w, peers, 0) || speak(w, peers, 1); turn++ {
		if turn > 10_000 {
			t.Fatalf("the end never ends: %s", w.describe())
		}
	}
	if len(w.peers) > 0 {
		t.Fatalf("%d servers were neither given back nor given up", len(w.peers))
	}
}

// speak delivers something that a server of a node has to say; it reports false when there is nothing.
func speak(w *fuzzWorld, peers map[*Server]*peer, node int) bool {
	for srv, p := range peers {
		if srv.Node != node || w.peers[srv] == nil {
			continue
		}
		switch {
		case len(p.out) > 0:
			n := w.cut(len(p.out))
			rest := w.fromServer(srv, p.out[:n])
			if len(rest) == n && n < len(p.out) {
				rest = w.fromServer(srv, p.out) // it needs more to see a whole message
				n = len(p.out)
			}
			p.out = append(slices.Clone(rest), p.out[n:]...)
			w.again()
			return true
		case p.dead:
			w.lost(srv)
			return true
		}
	}
	return false
}

// requests are what the client sends in front of servers that send anything.
var requests = append([][]byte{
	query("COPY"), message('d', "row"), message('c', ""), query("SHOW pool_nodes"), end,
	message('F', "\x00\x00\x00\x01"), parse("", "COPY"), bind("", ""), execute(""),
}, pieces...)

// FuzzServer is a client that behaves, in front of servers that send anything. Whatever they do, the session neither panics
// nor spins, no message begins in the middle of another, nothing is collected, and no connection in an unknown state is
// given to somebody else.
func FuzzServer(f *testing.F) {
	add := func(script, chances string, messages ...[]byte) {
		f.Add([]byte(script), bytes.Join(messages, nil), []byte(chances))
	}
	add("\x09\x0a", "", rowOK, idle, done, idle)
	add("\x0f\x0b\x09\x11", "\x00\x01\x02\x03\x80\x82\x84\x01\x01", done, inTx, done, inTx, done, idle)
	add("\x0c\x09\x0d\x0a", "\x02\x02\x02\x90\x90", done, idle, done, idle, rowOK, idle)
	add("\x00\x01\x02", "", copyIn, done, idle)
	add("\x06\x07\x08\x2e\x01\x02\x2e", "", parsed, bound, copyIn, done, idle)
	add("\x09", "", message('W', "\x00\x00\x00"), fault("57P01"))
	add("\x09", "", long('D', "", 80, ""), long('E', "SERROR\x00VERROR\x00C42601\x00M", 80, "\x00\x00"), idle)
	add("\x0c\x09", "", done, idle, long('E', "SERROR\x00VERROR\x00C42601\x00M", 80, "\x00\x00"), idle)
	add("\x09\x0b", "\x83\x83\x83", long('N', "SNOTICE\x00M", 80, "\x00\x00"), long('S', "x\x00", 80, "\x00"), message('A', "\x00\x00\x00\x01c\x00\x00"))
	add("\x09", "", message('Z', ""), message('Z', "II"), message('S', "client_encoding\x00"), message('E', "V"))
	add("\x09", "", []byte{'D', 0, 0, 0, 3}, []byte{'T', 0xff, 0xff, 0xff, 0xff})
	add("\x09\x09", "", idle, idle, idle, idle)
	f.Fuzz(func(t *testing.T, script, server, chances []byte) {
		fuzzServer(t, script, inflated(server), chances)
	})
}

func fuzzServer(t *testing.T, script, server, chances []byte) {
	w := newFuzz(t, chances)
	kept := map[*Server][]byte{}
	join := func(*Server) func([]byte) { return func([]byte) {} }
	talk := func() {
		all := slices.Clone(w.s.servers)
		if len(all) == 0 || len(server) == 0 {
			return
		}
		srv := all[w.next()%len(all)]
		if w.peers[srv] == nil {
			t.Fatal("the session keeps a server that it has given up")
		}
		n := w.cut(len(server))
		if n == len(server) {
			n = min(n, 1+w.next()) // so that there is something for each request
		}
		kept[srv] = w.fromServer(srv, append(kept[srv], server[:n]...))
		server = server[n:]
		w.again()
	}
	for _, which := range script {
		if w.closed {
			break
		}
		w.fromClient(requests[int(which)%len(requests)])
		for range 1 + w.next()%4 {
			if w.attaching {
				w.attach(join)
			}
			if w.answering {
				w.answer()
			}
			talk()
		}
	}
	for turn := 0; len(server) > 0 && len(w.s.servers) > 0; turn++ {
		if w.attaching {
			w.attach(join)
		}
		if turn == 1000 {
			w.end()
		}
		talk()
	}
	if w.s.stage != ended {
		w.end()
	}
}
