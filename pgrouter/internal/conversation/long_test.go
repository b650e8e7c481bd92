package conversation

import (
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// inPieces gives the session a long message of a server in two reads.
func inPieces(w *fuzzWorld, srv *Server, m []byte) {
	half := streamFrom + 100
	rest := w.fromServer(srv, m[:half])
	w.fromServer(srv, append(rest, m[half:]...))
	w.again()
}

func longWorld(t *testing.T) (w *fuzzWorld, sent *[]byte) {
	w = newFuzz(t, nil)
	sent = new([]byte)
	for node := range 2 {
		srv := NewServer(node, nil)
		w.peers[srv] = func(b []byte) { *sent = append(*sent, b...) }
		w.s.Adopt(srv)
	}
	return w, sent
}

// What an idle server says of its own accord may be passed on or not, but never in part.
func TestLongMessageOfItsOwnAccord(t *testing.T) {
	text := strings.Repeat("x", 3*streamFrom)
	for name, m := range map[string][]byte{
		"parameter": wire.AppendParameterStatus(nil, "x", text),
		"notice":    message('N', "SNOTICE\x00M"+text+"\x00\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := longWorld(t)
			w.fromClient(query("SELECT a"))
			standby := w.s.Server(1)
			w.fromServer(standby, join(rowOK, idle))
			inPieces(w, standby, m) // of its own accord
			w.fromClient(query("SELECT a"))
			w.fromServer(standby, join(rowOK, idle))
			if w.closed || w.out.inside() || w.s.Busy() {
				t.Fatalf("closed %v, inside %v; %s", w.closed, w.out.inside(), w.describe())
			}
		})
	}
}

// The primary's own words reach the client also when they are long.
func TestLongNotification(t *testing.T) {
	w, _ := longWorld(t)
	w.fromClient(query("INSERT"))
	w.fromServer(w.s.Server(0), join(done, idle))
	inPieces(w, w.s.Server(0), message('A', "\x00\x00\x00\x01c\x00"+strings.Repeat("x", 3*streamFrom)+"\x00"))
	if w.out.inside() {
		t.Fatal("the client has half of it")
	}
}

// The error that keeps a server from catching up is the client's answer, however long it is.
func TestLongErrorOfAPrologue(t *testing.T) {
	w, _ := longWorld(t)
	w.fromClient(query("SET a = 1"))
	w.fromServer(w.s.Server(0), join(done, idle))
	w.reader = 1
	w.fromClient(query("SELECT a")) // the standby is told of the setting first
	w.primary = 1                   // and becomes the primary, so that there is nobody else to ask
	inPieces(w, w.s.Server(1), join(message('E', "SERROR\x00VERROR\x00C22023\x00M"+strings.Repeat("x", 3*streamFrom)+"\x00\x00"), idle))
	if w.out.inside() || w.s.stage != ready {
		t.Fatalf("inside %v; %s", w.out.inside(), w.describe())
	}
}
