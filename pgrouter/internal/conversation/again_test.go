package conversation

import (
	"testing"

	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

func farewell(code string) []byte {
	return wire.AppendError(nil, &wire.Error{Severity: "FATAL", Code: code, Message: "terminating connection"})
}

// A server that has said good-bye before it answered anything of a batch has not begun it.
func TestBatchThatWasNotBegunIsSentAgain(t *testing.T) {
	for _, code := range []string{"57P01", "57P05"} {
		w := newFake(t)
		w.s.Adopt(NewServer(0, nil))
		w.client(parse("p", "INSERT"), bind("", "p"), execute(""), syncs)
		w.want("0 > P:p|INSERT B:|p E: S")
		w.server(0, farewell(code))
		w.want("drop 0", "attach 0")
		w.client(query("INSERT")) // must come behind it
		w.want()
		w.attach(0)
		w.want("0 > P:p|INSERT B:|p E: S", "0 > Q:INSERT")
		w.server(0, parsed, bound, done, idle, done, idle)
		w.want("client < 1 2 C ZI", "client < C ZI")
		if w.s.Busy() || w.s.stmts["p"] == nil {
			t.Error("busy, or the statement is forgotten")
		}
	}
}

// All else ends the session, because it may have run, or be lost with the connection.
func TestWhatMayHaveBegunIsNotSentAgain(t *testing.T) {
	batch := [][]byte{parse("", "INSERT"), bind("", ""), execute(""), syncs}
	for _, test := range []struct {
		name           string
		client, server [][]byte
	}{
		{"a Query", [][]byte{query("INSERT")}, [][]byte{farewell("57P01")}},
		{"answered in part", batch, [][]byte{parsed, farewell("57P01")}},
		{"two batches", append(batch[:4:4], batch...), [][]byte{farewell("57P01")}},
		{"without Sync", [][]byte{parse("", "INSERT"), bind("", ""), execute(""), flush}, [][]byte{farewell("57P01")}},
		{"its own fault", batch, [][]byte{farewell("08P01")}},
		{"no farewell", batch, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newFake(t)
			w.s.Adopt(NewServer(0, nil))
			w.client(test.client...)
			srv := w.s.Server(0)
			if test.server != nil {
				w.server(0, test.server...)
			}
			w.log = nil
			w.s.Lost(srv)
			w.run()
			if len(w.log) != 1 || w.log[0] != "close" && w.log[0] != "close FATAL 57P01" {
				t.Errorf("got %q", w.log)
			}
		})
	}

	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.client(query("BEGIN"))
	w.server(0, done, inTx)
	w.client(batch...)
	w.log = nil
	w.server(0, farewell("57P01"))
	w.want("client < E:57P01")

	w = newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.pinned = true
	w.client(batch...)
	w.log = nil
	w.server(0, farewell("57P01"))
	w.want("client < E:57P01")
}

// What has been answered is done.
func TestAnsweredBatchIsNotSentAgain(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.client(parse("", "INSERT"), bind("", ""), execute(""), syncs)
	w.server(0, parsed, bound, done, idle)
	w.log = nil
	w.server(0, farewell("57P01"))
	w.want("drop 0")
	w.client(query("INSERT"))
	w.want("attach 0")
	w.attach(0)
	w.want("0 > Q:INSERT")
}

// Nothing is sent to a server that has said good-bye, though its connection has not ended yet.
func TestFarewellOfAnIdleServer(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(query("SELECT a"), query("INSERT"))
	w.server(1, rowOK, idle)
	w.server(0, done, idle)
	w.log = nil
	w.server(0, farewell("57P01"))
	w.want("drop 0")
	w.client(query("INSERT"))
	w.want("attach 0")
	w.attach(0)
	w.want("0 > Q:INSERT")
	w.server(0, done, idle)
	w.client(query("BEGIN"))
	w.server(0, done, inTx)
	w.log = nil
	w.server(0, farewell("25P03"))
	w.want("drop 0", "close FATAL 25P03") // the server's own reason
}

// Nor was anything begun by a server that is lost while it catches up.
func TestServerLostWhileItCatchesUp(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.client(query("SET a = 1"))
	w.server(0, done, idle)
	for range 2 {
		w.s.Lost(w.s.Server(0))
		w.log = nil
		w.client(query("INSERT"))
		w.want("attach 0")
		w.attach(0)
		w.want("0 > Q:SET a = 1")
		w.s.Lost(w.s.Server(0))
		w.run()
		w.want("attach 0")
		w.attach(0)
		w.want("0 > Q:SET a = 1")
		w.server(0, done, idle)
		w.want("0 > Q:INSERT")
		w.server(0, done, idle)
		w.want("client < C ZI")
	}
}

// A server that ends every session does not keep one busy for ever.
func TestSendingAgainHasAnEnd(t *testing.T) {
	w := newFake(t)
	w.client(parse("", "INSERT"), bind("", ""), execute(""), syncs)
	for n := 0; w.s.stage != ended && n < 1000; n++ {
		if w.s.Server(0) == nil {
			w.attach(0)
		}
		srv := w.s.Server(0)
		w.server(0, farewell("57P01"))
		if w.s.Server(0) == srv {
			w.s.Lost(srv)
		}
	}
	if w.s.stage != ended || w.log[len(w.log)-2] != "client < E:57P01" {
		t.Errorf("got %q", w.log)
	}
}

// A statement that is refused does not take with it what an earlier batch has prepared or would have closed.
func TestRefusedUnitForgetsOnlyItsOwn(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(1, nil))
	w.client(parse("p", "SELECT a"), parse("q", "SELECT a"), syncs)
	w.server(1, parsed, parsed, idle)
	why := &wire.Error{Code: "57P03", Message: "no primary"}
	w.client(query("INSERT"))
	w.s.AttachFailed(0, nil, why)
	w.run()
	w.client(closes('S', "q"), parse("r", "INSERT"), bind("", "r"), execute(""), syncs)
	w.s.AttachFailed(0, nil, why)
	w.run()
	for name, known := range map[string]bool{"p": true, "q": true, "r": false} {
		if (w.s.stmts[name] != nil) != known {
			t.Errorf("statement %s known: %v", name, !known)
		}
	}
}
