package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// boom fails when it is executed; a division of constants would fail when it is bound.
const boom = "SELECT 1 / (id - 1) FROM items WHERE id = 1"

// pipelines are messages and the answers that PostgreSQL itself gives to them.
var pipelines = []struct {
	name  string
	sent  []pgproto3.FrontendMessage
	wants []string
}{
	{"one statement",
		slices.Concat(all("SELECT $1::int", "7"), synced),
		[]string{"ParseComplete", "BindComplete", "row 7", "done SELECT 1", "ready I"}},
	{"reads and writes in one pipeline",
		slices.Concat(all("SELECT 1"), all("CREATE TEMP TABLE pipe (i int)"), all("INSERT INTO pipe VALUES (5)"), all("SELECT i FROM pipe"), synced),
		[]string{"ParseComplete", "BindComplete", "row 1", "done SELECT 1",
			"ParseComplete", "BindComplete", "done CREATE TABLE",
			"ParseComplete", "BindComplete", "done INSERT 0 1",
			"ParseComplete", "BindComplete", "row 5", "done SELECT 1", "ready I"}},
	{"after an error everything up to Sync is skipped",
		slices.Concat(all("SELECT 1"), all(boom), all("SELECT 2"), all("CREATE TABLE never ()"), synced, all("SELECT 3"), synced),
		[]string{"ParseComplete", "BindComplete", "row 1", "done SELECT 1", "ParseComplete", "BindComplete", "error 22012", "ready I",
			"ParseComplete", "BindComplete", "row 3", "done SELECT 1", "ready I"}},
	{"an error in Parse, in Bind and in Execute",
		slices.Concat(all("SELEC"), synced, all("SELECT $1::int", "x"), synced, all(boom), synced),
		[]string{"error 42601", "ready I", "ParseComplete", "error 22P02", "ready I", "ParseComplete", "BindComplete", "error 22012", "ready I"}},
	{"unknown statement, unknown portal",
		slices.Concat([]pgproto3.FrontendMessage{bind("nowhere")}, synced, []pgproto3.FrontendMessage{&pgproto3.Execute{Portal: "nowhere"}}, synced,
			[]pgproto3.FrontendMessage{describeStatement("nowhere")}, synced),
		[]string{"error 26000", "ready I", "error 34000", "ready I", "error 26000", "ready I"}},
	{"a transaction in one pipeline",
		slices.Concat(all("BEGIN"), all("SELECT 1"), synced, all(boom), synced, all("SELECT 2"), synced, all("ROLLBACK"), synced),
		[]string{"ParseComplete", "BindComplete", "done BEGIN", "ParseComplete", "BindComplete", "row 1", "done SELECT 1", "ready T",
			"ParseComplete", "BindComplete", "error 22012", "ready E", "error 25P02", "ready E",
			"ParseComplete", "BindComplete", "done ROLLBACK", "ready I"}},
	{"simple queries behind one another",
		[]pgproto3.FrontendMessage{query("SELECT 1"), query("SELECT 2; SELECT 3"), query(""), query("SELECT 1/0; SELECT 4")},
		[]string{"columns 1", "row 1", "done SELECT 1", "ready I", "columns 1", "row 2", "done SELECT 1", "columns 1", "row 3", "done SELECT 1", "ready I",
			"EmptyQueryResponse", "ready I", "error 22012", "ready I"}},
	{"simple and extended mixed",
		slices.Concat(all("SELECT 1"), synced, []pgproto3.FrontendMessage{query("SELECT 2")}, all("SELECT 3"), synced),
		[]string{"ParseComplete", "BindComplete", "row 1", "done SELECT 1", "ready I", "columns 1", "row 2", "done SELECT 1", "ready I",
			"ParseComplete", "BindComplete", "row 3", "done SELECT 1", "ready I"}},
	{"rows in pieces",
		slices.Concat([]pgproto3.FrontendMessage{parse("SELECT generate_series(1, 3)"), bind(""), rows(2), rows(2)}, synced),
		[]string{"ParseComplete", "BindComplete", "row 1", "row 2", "PortalSuspended", "row 3", "done SELECT 1", "ready I"}},
	{"describe",
		slices.Concat([]pgproto3.FrontendMessage{parse("SELECT $1::int, 'x'", "d"), describeStatement("d"), bind("d", "1"), describePortal(), execute(),
			&pgproto3.Close{ObjectType: 'S', Name: "d"}}, synced),
		[]string{"ParseComplete", "parameters [23]", "columns 2", "BindComplete", "columns 2", "row 1,x", "done SELECT 1", "CloseComplete", "ready I"}},
	{"empty statement",
		slices.Concat(all(""), synced),
		[]string{"ParseComplete", "BindComplete", "EmptyQueryResponse", "ready I"}},
	{"only Sync", []pgproto3.FrontendMessage{syncNow(), syncNow(), syncNow()}, []string{"ready I", "ready I", "ready I"}},
	{"a name that is taken",
		slices.Concat([]pgproto3.FrontendMessage{parse("SELECT 1", "taken"), parse("SELECT 2", "taken")}, synced, []pgproto3.FrontendMessage{bind("taken"), execute()}, synced),
		[]string{"ParseComplete", "error 42P05", "ready I", "BindComplete", "row 1", "done SELECT 1", "ready I"}},
	{"closing what is not there",
		slices.Concat([]pgproto3.FrontendMessage{&pgproto3.Close{ObjectType: 'S', Name: "nowhere"}, &pgproto3.Close{ObjectType: 'P', Name: "nowhere"}}, synced),
		[]string{"CloseComplete", "CloseComplete", "ready I"}},
}

var synced = []pgproto3.FrontendMessage{syncNow()}

// TestPipelines compares answers message by message, with one session for all.
func TestPipelines(t *testing.T) {
	c := start(t, shared(t), reads).raw(t)
	for _, p := range pipelines {
		c.send(t, p.sent...)
		c.receive(t, p.name, p.wants...)
	}
}

// TestPipelinesAreCut sends the same bytes in the smallest pieces: one at a time.
func TestPipelinesAreCut(t *testing.T) {
	c := start(t, shared(t), reads).raw(t)
	for _, p := range pipelines {
		var bytes []byte
		for _, m := range p.sent {
			var err error
			if bytes, err = m.Encode(bytes); err != nil {
				t.Fatal(err)
			}
		}
		for i := range bytes {
			if _, err := c.conn.Write(bytes[i : i+1]); err != nil {
				t.Fatal(err)
			}
		}
		c.receive(t, p.name, p.wants...)
	}
}

// TestFlush gets answers before Sync, statement by statement.
func TestFlush(t *testing.T) {
	c := start(t, shared(t), reads).raw(t)
	for i := range 20 {
		sql := "SELECT $1::int"
		if i%5 == 4 {
			sql = "SELECT $1::int FROM items WHERE id = 1 FOR UPDATE"
		}
		c.send(t, append(all(sql, fmt.Sprint(i)), flush())...)
		c.receive(t, "before Sync", "ParseComplete", "BindComplete", fmt.Sprint("row ", i), "done SELECT 1")
	}
	c.send(t, parse(boom), bind(""), execute(), flush())
	c.receive(t, "an error", "ParseComplete", "BindComplete", "error 22012")
	c.send(t, slices.Concat(all("SELECT 1"), []pgproto3.FrontendMessage{flush(), syncNow()})...)
	c.receive(t, "skipped up to Sync", "ready I")
}

// TestDeepSyncs answers a pipeline of many short transactions, of which every third fails and every second writes.
func TestDeepSyncs(t *testing.T) {
	c := start(t, shared(t), reads).raw(t)
	const n = 3000
	sent := make(chan error, 1)
	go func() {
		for i := range n {
			sql := "SELECT $1::int"
			if i%2 == 1 {
				sql = "SELECT $1::int + 0 * nextval('numbers')::int"
			}
			if i%3 == 2 {
				sql = "SELECT 1 / (id - 1 + 0 * $1::int) FROM items WHERE id = 1"
			}
			for _, m := range append(all(sql, fmt.Sprint(i)), syncNow()) {
				c.Send(m)
			}
		}
		sent <- c.Flush()
	}()
	for i := range n {
		last := []string{fmt.Sprint("row ", i), "done SELECT 1", "ready I"}
		if i%3 == 2 {
			last = []string{"error 22012", "ready I"}
		}
		c.receive(t, fmt.Sprint("transaction ", i), append([]string{"ParseComplete", "BindComplete"}, last...)...)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// TestDeadlockProbe sends 60,000 statements with long answers before the first Sync, and reads while it
// sends. Whoever
// waits for one side while the other side waits for him stands still here.
func TestDeadlockProbe(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	r := start(t, shared(t), reads)
	for _, test := range []struct{ name, sql string }{
		{"read", "SELECT repeat('x', 4000) || $1::text"},
		{"write", "SELECT repeat('x', 4000) || $1::text || left(random()::text, 0)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := r.raw(t)
			const n = 60000
			sent := make(chan error, 1)
			go func() {
				var b []byte
				var err error
				for i := 0; i < n && err == nil; i++ {
					for _, m := range all(test.sql, fmt.Sprint(i)) {
						b, _ = m.Encode(b)
					}
					if len(b) > 60000 {
						_, err = c.conn.Write(b)
						b = b[:0]
					}
				}
				b, _ = syncNow().Encode(b)
				if err == nil {
					_, err = c.conn.Write(b)
				}
				sent <- err
			}()
			x := strings.Repeat("x", 4000)
			for i := range n {
				c.receive(t, fmt.Sprint("statement ", i), "ParseComplete", "BindComplete", fmt.Sprint("row ", x, i), "done SELECT 1")
			}
			c.receive(t, "the end", "ready I")
			if err := <-sent; err != nil {
				t.Error(err)
			}
		})
	}
}
