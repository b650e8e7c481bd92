package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// rss is the resident memory of the router in bytes.
func (r *router) rss(t testing.TB) int { return r.memory(t, "VmRSS") }

// memory is a line of the process's status, in bytes.
func (r *router) memory(t testing.TB, which string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kb int
		if n, _ := fmt.Sscanf(line, which+": %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	t.Fatalf("no %s in %s", which, text)
	return 0
}

// grown fails the test when the router has grown by more than may be since it had so much.
func (r *router) grown(t testing.TB, before, may int) {
	t.Helper()
	if direct {
		return
	}
	if now := r.rss(t); now > before+may {
		t.Errorf("pgrouter has grown from %d to %d MB", before>>20, now>>20)
	}
}

const megabyte = 1 << 20

// TestCopyOf64MB copies in and out, and back in, without collecting it.
func TestCopyOf64MB(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	r := start(t, shared(t), reads)
	p := r.connect(t)
	simple(t, p, "CREATE UNLOGGED TABLE copy64 (line text)")
	defer simple(t, p, "DROP TABLE copy64")
	line := strings.Repeat("x", 1023) + "\n"
	const lines = 64 << 10
	before := 0
	if !direct {
		before = r.rss(t)
	}
	in := sha256.New()
	data := io.TeeReader(io.LimitReader(endless(line), lines<<10), in)
	tag, err := p.CopyFrom(within(t), data, "COPY copy64 FROM STDIN")
	if err != nil || tag.RowsAffected() != lines {
		t.Fatalf("copy in: %v, %v", tag, err)
	}
	out := sha256.New()
	if _, err := p.CopyTo(within(t), out, "COPY copy64 TO STDOUT"); err != nil {
		t.Fatalf("copy out: %v", err)
	}
	if !bytes.Equal(in.Sum(nil), out.Sum(nil)) {
		t.Error("other bytes came out than went in")
	}
	r.grown(t, before, 32*megabyte)
}

// endless repeats a text.
func endless(text string) io.Reader { return &repeated{[]byte(text), 0} }

type repeated struct {
	text []byte
	at   int
}

func (r *repeated) Read(b []byte) (n int, err error) {
	for n < len(b) {
		k := copy(b[n:], r.text[r.at:])
		n, r.at = n+k, (r.at+k)%len(r.text)
	}
	return n, nil
}

// TestCopyErrors: a COPY that the server or the client gives up leaves a session that works.
func TestCopyErrors(t *testing.T) {
	r := start(t, shared(t), reads)
	p := r.connect(t)
	simple(t, p, "CREATE TABLE copy_errors (i int)")
	defer simple(t, p, "DROP TABLE copy_errors")
	good := strings.Repeat("1\n", 100000)
	_, err := p.CopyFrom(within(t), strings.NewReader(good+"nonsense\n"+good), "COPY copy_errors FROM STDIN")
	want(t, "an error half way", code(err), "22P02")
	want(t, "after it", simple(t, p, "SELECT count(*) FROM copy_errors WHERE forced()"), "0")
	_, err = p.CopyFrom(within(t), io.MultiReader(strings.NewReader(good), broken{}), "COPY copy_errors FROM STDIN")
	if err == nil {
		t.Error("the client gave up, and there was no error")
	}
	want(t, "after the client gave up", simple(t, p, "SELECT count(*) FROM copy_errors WHERE forced()"), "0")
	_, err = p.CopyTo(within(t), io.Discard, "COPY (SELECT 1/(i-5000) FROM generate_series(1, 10000) i) TO STDOUT")
	want(t, "an error in a copy out", code(err), "22012")
	want(t, "after that", simple(t, p, "SELECT 1"), "1")
	if _, err := r.connect(t).CopyTo(within(t), brokenWriter{}, "COPY (SELECT generate_series(1, 1000000)) TO STDOUT"); err == nil {
		t.Error("the client stopped reading, and there was no error")
	}

	s := r.raw(t)
	s.send(t, parse("COPY copy_errors FROM STDIN"), bind(""), execute(), syncNow())
	s.receive(t, "copy in the extended protocol", "ParseComplete", "BindComplete", "CopyInResponse")
	s.send(t, &pgproto3.CopyData{Data: []byte("1\n2\n")}, &pgproto3.CopyDone{}, syncNow())
	s.receive(t, "its end", "done COPY 2", "ready I")
	s.send(t, query("COPY copy_errors FROM STDIN; SELECT 1"))
	s.receive(t, "copy in a string", "CopyInResponse")
	s.send(t, &pgproto3.CopyData{Data: []byte("3\n")}, &pgproto3.CopyDone{})
	s.receive(t, "what follows it", "done COPY 1", "columns 1", "row 1", "done SELECT 1", "ready I")
	s.send(t, query("COPY copy_errors FROM STDIN"))
	s.receive(t, "copy", "CopyInResponse")
	s.send(t, &pgproto3.CopyFail{Message: "enough"})
	s.receive(t, "given up", "error 57014", "ready I")
	s.send(t, query("SELECT count(*) FROM copy_errors WHERE forced()"))
	s.receive(t, "in the end", "columns 1", "row 3", "done SELECT 1", "ready I")
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the client's own error") }

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("the client's own error") }

// TestBigMessages: a parameter, a statement and a row of 100 MB go through without being collected.
func TestBigMessages(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	r := start(t, shared(t), reads)
	p := r.connect(t)
	simple(t, p, "SELECT 1")
	before := 0
	if !direct {
		before = r.rss(t)
	}
	const size = 100 * megabyte
	big := bytes.Repeat([]byte("y"), size)
	res := p.ExecParams(within(t), "SELECT length($1::text)::text, forced()", [][]byte{big}, nil, nil, nil).Read()
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	want(t, "the parameter's length", string(res.Rows[0][0]), fmt.Sprint(size))
	r.grown(t, before, 32*megabyte)
	want(t, "the statement's", simple(t, p, "SELECT length('"+string(big)+"')"), fmt.Sprint(size))
	r.grown(t, before, 32*megabyte)
	want(t, "the row's", fmt.Sprint(len(simple(t, p, fmt.Sprintf("SELECT repeat('z', %d)", size)))), fmt.Sprint(size))
	r.grown(t, before, 32*megabyte)
	want(t, "afterwards", simple(t, p, "SELECT 1"), "1")
}

// TestSlowReaders: clients that do not read their 200 MB cost neither memory nor other clients' time.
func TestSlowReaders(t *testing.T) {
	needRouter(t)
	if testing.Short() {
		t.Skip("-short")
	}
	r := start(t, shared(t), reads)
	other := r.connect(t)
	simple(t, other, "SELECT 1")
	before := r.rss(t)
	const rowsWanted = 50000
	var slow []*raw
	for range 10 {
		s := r.raw(t)
		s.send(t, query(fmt.Sprintf("SELECT repeat('x', 4000) FROM generate_series(1, %d)", rowsWanted)))
		slow = append(slow, s)
	}
	// Wait until all of them have stopped: their servers wait for somebody to read.
	shared(t).standby.Until(t, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite' AND query LIKE 'SELECT repeat%'", "10")
	begin := time.Now()
	for range 100 {
		want(t, "another client", simple(t, other, "SELECT name FROM items WHERE id = 1"), "item 1")
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("100 reads of another client took %v", took)
	}
	r.grown(t, before, 32*megabyte)
	n := 0
	for _, m := range slow[0].until(t, "ready") {
		if strings.HasPrefix(m, "row") {
			n++
		}
	}
	if n != rowsWanted {
		t.Errorf("a slow reader got %d rows, want %d", n, rowsWanted)
	}
	r.grown(t, before, 32*megabyte)
}
