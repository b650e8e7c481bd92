package e2e

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// long tells that tests may take minutes.
var long = os.Getenv("PGCREW_LONG") == "1"

// peak is the most memory that the router has had resident, in bytes.
func (r *router) peak(t testing.TB) int { return r.memory(t, "VmHWM") }

// TestCopyStream copies more than 4 GB in and out, so that every counter of 32 bits wraps; without PGCREW_LONG=1 it is
// 256 MB. pgrouter collects none of it.
func TestCopyStream(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	lines := int64(256 << 10)
	patience := limit
	if long {
		lines = 4608 << 10 // of 1 kB each: 4.5 GB
		patience = 20 * time.Minute
	}
	r := start(t, shared(t), reads)
	p := r.connect(t)
	simple(t, p, "CREATE UNLOGGED TABLE copy_stream (line text)")
	defer simple(t, p, "DROP TABLE copy_stream")
	before := 0
	if !direct {
		before = r.peak(t)
	}

	begin := time.Now()
	line := strings.Repeat("x", 1023) + "\n"
	data := &counted{Reader: io.LimitReader(endless(line), lines<<10)}
	tag, err := p.CopyFrom(patient(t, patience), data, "COPY copy_stream FROM STDIN WHERE line = 'none'")
	if err != nil || tag.RowsAffected() != 0 {
		t.Fatalf("copy in after %d bytes: %v, %v", data.n, tag, err)
	}
	if data.n != lines<<10 {
		t.Errorf("%d bytes were sent, want %d", data.n, lines<<10)
	}
	took := time.Since(begin)
	r.grown(t, before, 32*megabyte)
	t.Logf("%d MB in, in %v", data.n>>20, took.Round(time.Millisecond))

	begin = time.Now()
	out := new(countedOut)
	sql := fmt.Sprintf("COPY (SELECT repeat('x', 1023) FROM generate_series(1, %d)) TO STDOUT", lines)
	tag, err = p.CopyTo(patient(t, patience), out, sql)
	if err != nil || tag.RowsAffected() != lines {
		t.Fatalf("copy out after %d bytes: %v, %v", *out, tag, err)
	}
	if int64(*out) != lines<<10 {
		t.Errorf("%d bytes came, want %d", *out, lines<<10)
	}
	t.Logf("%d MB out, in %v", *out>>20, time.Since(begin).Round(time.Millisecond))
	want(t, "afterwards", simple(t, p, "SELECT 1"), "1")
	if !direct {
		now := r.peak(t)
		t.Logf("pgrouter's peak was %d MB before and %d MB after", before>>20, now>>20)
		if now > before+32*megabyte {
			t.Errorf("pgrouter has had %d MB, %d MB before", now>>20, before>>20)
		}
	}
}

type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

type countedOut int64

func (c *countedOut) Write(b []byte) (int, error) {
	*c += countedOut(len(b))
	return len(b), nil
}

// TestQueryBehindCopy: a statement that is sent behind a COPY FROM STDIN without its end breaks it off, as it does at a
// server: nothing hangs, nothing is copied.
func TestQueryBehindCopy(t *testing.T) {
	r := start(t, shared(t), reads)
	simple(t, r.connect(t), "CREATE TABLE query_behind_copy (i int)")
	defer simple(t, r.connect(t), "DROP TABLE query_behind_copy")
	const into = "COPY query_behind_copy FROM STDIN"
	data := &pgproto3.CopyData{Data: []byte("1\n")}
	const end = "error 08P01; error 08P01; end"
	broken, waits := end, end
	if pgtest.Major(t) < 14 { // whose sessions go on, in a batch with its Sync
		broken, waits = "error 08P01; ready I", "error 08P01"
	}
	for _, test := range []struct {
		name string
		sent []pgproto3.FrontendMessage
		want string
	}{
		{"a read", []pgproto3.FrontendMessage{query(into), query("SELECT name FROM items WHERE id = 1")}, "CopyInResponse; " + broken},
		{"a write", []pgproto3.FrontendMessage{query(into), data, query("INSERT INTO query_behind_copy VALUES (2)")}, "CopyInResponse; " + broken},
		{"a question to pgrouter", []pgproto3.FrontendMessage{query(into), query("SHOW pool_nodes")}, "CopyInResponse; " + broken},
		{"a batch", append([]pgproto3.FrontendMessage{query(into), data}, append(all("SELECT 1"), syncNow())...), "CopyInResponse; " + broken},
		{"behind a batch", append(all(into), syncNow(), query("SELECT 1")), "ParseComplete; BindComplete; CopyInResponse; " + waits},
		{"behind a batch without Sync", append(all(into), query("SHOW pool_nodes")), "ParseComplete; BindComplete; CopyInResponse; " + waits},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := r.raw(t)
			s.send(t, test.sent...)
			last := test.want[strings.LastIndex(test.want, "; ")+2:]
			if got := s.toEnd(t, last); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
	want(t, "rows copied", simple(t, r.connect(t), "SELECT count(*) FROM query_behind_copy WHERE forced()"), "0")

	t.Run("data sent ahead", func(t *testing.T) {
		s := r.raw(t)
		s.send(t, query(into), data, &pgproto3.CopyDone{}, query("SELECT 'next'"))
		s.receive(t, "simple", "CopyInResponse", "done COPY 1", "ready I", "columns 1", "row next", "done SELECT 1", "ready I")
		s.send(t, append(all(into), data, &pgproto3.CopyDone{}, syncNow(), query("SELECT 'next'"))...)
		s.receive(t, "extended", "ParseComplete", "BindComplete", "CopyInResponse", "done COPY 1", "ready I",
			"columns 1", "row next", "done SELECT 1", "ready I")
		s.send(t, append(all(into), syncNow(), data, &pgproto3.CopyDone{}, syncNow(), query("SELECT 'next'"))...)
		s.receive(t, "behind a Sync", "ParseComplete", "BindComplete", "CopyInResponse", "done COPY 1", "ready I",
			"columns 1", "row next", "done SELECT 1", "ready I")
		s.send(t, query("COPY nothing FROM STDIN"), data, &pgproto3.CopyDone{}, query("SELECT 'next'"))
		s.receive(t, "a COPY that fails", "error 42P01", "ready I", "columns 1", "row next", "done SELECT 1", "ready I")
	})
	want(t, "rows copied", simple(t, r.connect(t), "SELECT count(*) FROM query_behind_copy WHERE forced()"), "3")
}

// toEnd reads messages until the connection ends, or one that begins as one of the given does, and returns their short forms.
func (c *raw) toEnd(t testing.TB, or ...string) string {
	t.Helper()
	var got []string
	for {
		m, err := c.Receive()
		if err == nil {
			got = append(got, short(m))
			if slices.ContainsFunc(or, func(prefix string) bool { return strings.HasPrefix(got[len(got)-1], prefix) }) {
				return strings.Join(got, "; ")
			}
			continue
		}
		if timeout, ok := err.(interface{ Timeout() bool }); ok && timeout.Timeout() {
			t.Errorf("it hangs after %s", strings.Join(got, "; "))
		}
		return strings.Join(append(got, "end"), "; ")
	}
}
