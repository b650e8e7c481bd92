package conversation

import (
	"testing"

	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// What a client sends behind a COPY without waiting for the server to ask for its data.
func TestCopyDataSentAhead(t *testing.T) {
	data, copyDone := message('d', "row"), message('c', "")
	batch := [][]byte{parse("", "COPY t FROM STDIN"), bind("", ""), execute("")}
	begun := [][]byte{parsed, bound, copyIn}
	for _, test := range []struct {
		name           string
		client, server [][]byte
		held, sent     []string // before and after the server asks
	}{
		{"in the simple protocol", [][]byte{query("COPY"), data, copyDone, query("INSERT")}, [][]byte{copyIn},
			[]string{"0 > Q:COPY"},
			[]string{"client < G", "0 > d", "0 > c", "0 > Q:INSERT"}},
		{"in a batch", append(batch[:3:3], data, copyDone, syncs), begun,
			[]string{"0 > P:|COPY t FROM STDIN B: E:", "0 > S"},
			[]string{"client < 1 2 G", "0 > d", "0 > c", "0 > S"}},
		{"behind a Sync", append(batch[:3:3], syncs, data, copyDone, syncs), begun,
			[]string{"0 > P:|COPY t FROM STDIN B: E: S"},
			[]string{"client < 1 2 G", "0 > d", "0 > c", "0 > S"}},
		{"behind a Flush", append(batch[:3:3], flush, data, copyDone, syncs), begun,
			[]string{"0 > P:|COPY t FROM STDIN B: E: H", "0 > S"},
			[]string{"client < 1 2 G", "0 > d", "0 > c", "0 > S"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newFake(t)
			w.s.Adopt(NewServer(0, nil))
			w.client(test.client...)
			w.want(test.held...)
			w.server(0, test.server...)
			w.want(test.sent...)
			w.server(0, done, idle)
			w.want("client < C ZI")
		})
	}
}

// If no COPY has begun, its data is dropped, as a server does.
func TestCopyDataWithoutCopy(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.client(query("COPY"), message('d', "row"), message('c', ""), query("INSERT"))
	w.want("0 > Q:COPY")
	w.server(0, fault("42P01"), idle)
	w.want("client < E:42P01 ZI", "0 > Q:INSERT")

	w = newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.client(parse("", "COPY t FROM STDIN"), bind("", ""), execute(""), message('d', "row"), message('c', ""), syncs)
	w.want("0 > P:|COPY t FROM STDIN B: E:", "0 > S")
	w.server(0, fault("42P01"), idle)
	w.want("client < E:42P01", "client < ZI")
}

// What is neither data nor its end breaks a COPY off: the server gets it, and says so, also when it would have to wait
// for the end of the COPY otherwise.
func TestQueryBehindACopy(t *testing.T) {
	const prepared = "a batch whose statement the server lacks"
	for _, test := range []struct {
		name   string
		client [][]byte
		server [][]byte
		sent   string
	}{
		{"one of pgrouter's own", [][]byte{query("COPY"), query("SHOW pool_nodes")}, [][]byte{copyIn}, "0 > Q:SHOW pool_nodes"},
		{"in a batch without Sync", [][]byte{parse("", "COPY"), bind("", ""), execute(""), query("SELECT a")},
			[][]byte{parsed, bound, copyIn}, "0 > Q:SELECT a"},
		{"behind a Flush", [][]byte{parse("", "COPY"), bind("", ""), execute(""), flush, query("SELECT a")},
			[][]byte{parsed, bound, copyIn}, "0 > Q:SELECT a"},
		{prepared, [][]byte{query("COPY"), bind("", "p"), execute(""), syncs}, [][]byte{copyIn}, "0 > B:|p"},
		{"the client's end", [][]byte{query("COPY"), end}, [][]byte{copyIn}, "close"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newFake(t)
			w.s.Adopt(NewServer(0, nil))
			w.s.Adopt(NewServer(1, nil))
			if test.name == prepared {
				w.client(parse("p", "SELECT a"), syncs)
				w.server(1, parsed, idle)
			}
			w.client(test.client...)
			w.log = nil
			w.server(0, test.server...)
			if len(w.log) < 2 || w.log[1] != test.sent {
				t.Errorf("got %q, wanted %q behind the server's answer", w.log, test.sent)
			}
		})
	}
}

// The server's own last words in the middle of a batch are enough.
func TestFatalInAStream(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.client(parse("", "COPY t FROM STDIN"), bind("", ""), execute(""), syncs, query("SELECT a"))
	w.server(0, parsed, bound, copyIn, fault("08P01"), wire.AppendError(nil, &wire.Error{Severity: "FATAL", Code: "08P01"}))
	w.log = nil
	w.s.Lost(w.s.Server(0))
	w.want("close")
}
