package admin

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgcrew/pgcrew/common/config"
)

// batch encodes messages of a client.
func batch(t testing.TB, messages ...pgproto3.FrontendMessage) []byte {
	t.Helper()
	var out []byte
	for _, m := range messages {
		var err error
		if out, err = m.Encode(out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestBatch(t *testing.T) {
	parse := func(name, sql string) *pgproto3.Parse { return &pgproto3.Parse{Name: name, Query: sql} }
	bind := func(portal, name string, formats ...int16) *pgproto3.Bind {
		return &pgproto3.Bind{DestinationPortal: portal, PreparedStatement: name, ResultFormatCodes: formats}
	}
	for _, c := range []struct {
		name   string
		do     []pgproto3.FrontendMessage
		want   []string
		failed bool
	}{
		{"unknown statement", []pgproto3.FrontendMessage{bind("", "x"), &pgproto3.Execute{}},
			[]string{`ERROR 26000 prepared statement "x" does not exist`}, true},
		{"unknown portal", []pgproto3.FrontendMessage{&pgproto3.Execute{Portal: "x"}},
			[]string{`ERROR 34000 portal "x" does not exist`}, true},
		{"name taken", []pgproto3.FrontendMessage{parse("a", "SHOW pool_version"), parse("a", "SHOW pool_version")},
			[]string{"ParseComplete", `ERROR 42P05 prepared statement "a" already exists`}, true},
		{"a server's statement", []pgproto3.FrontendMessage{parse("", "SHOW pool_version"), parse("b", "SELECT 1")},
			[]string{"ParseComplete", "ERROR 0A000 statements for pgrouter and for a server cannot be in one pipeline"}, true},
		{"parameters", []pgproto3.FrontendMessage{parse("", "SHOW pool_version"), &pgproto3.Bind{Parameters: [][]byte{{'1'}}}},
			[]string{"ParseComplete", `ERROR 08P01 bind message supplies 1 parameters, but prepared statement "" requires 0`}, true},
		{"formats", []pgproto3.FrontendMessage{parse("", "SHOW pool_version"), bind("", "", 0, 1)},
			[]string{"ParseComplete", "ERROR 08P01 bind message has 2 result formats but query has 1 columns"}, true},
		{"format", []pgproto3.FrontendMessage{parse("", "SHOW pool_version"), bind("", "", 2)},
			[]string{"ParseComplete", "ERROR 22023 unsupported format code: 2"}, true},
		{"skips after an error", []pgproto3.FrontendMessage{parse("", "PGPOOL SHOW bogus"), bind("", ""), &pgproto3.Execute{}},
			[]string{`ERROR 42704 config variable "bogus" not found`}, true},
		{"a query", []pgproto3.FrontendMessage{&pgproto3.Query{String: "SHOW pool_version"}},
			[]string{"ERROR 08P01 message 'Q' has no place in a batch of the extended protocol"}, true},

		{"all at once", []pgproto3.FrontendMessage{parse("", "SHOW pool_version"), bind("", ""),
			&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Flush{}},
			[]string{"ParseComplete", "BindComplete", "columns pool_version", `["pgrouter 1.2"]`, "SELECT 1"}, false},
		{"prepared, binary", []pgproto3.FrontendMessage{parse("v", "SHOW pool_version"), &pgproto3.Describe{ObjectType: 'S', Name: "v"},
			bind("p", "v", 1), &pgproto3.Describe{ObjectType: 'P', Name: "p"}, &pgproto3.Execute{Portal: "p"},
			&pgproto3.Close{ObjectType: 'P', Name: "p"}, &pgproto3.Close{ObjectType: 'S', Name: "v"}},
			[]string{"ParseComplete", "ParameterDescription", "columns pool_version", "BindComplete", "columns pool_version(binary)",
				`["pgrouter 1.2"]`, "SELECT 1", "CloseComplete", "CloseComplete"}, false},
		{"row limit", []pgproto3.FrontendMessage{parse("", "SHOW pool_backend_stats"), bind("", ""),
			&pgproto3.Execute{MaxRows: 1}, &pgproto3.Execute{MaxRows: 1}, &pgproto3.Execute{MaxRows: 1}},
			[]string{"ParseComplete", "BindComplete",
				`["0" "db1" "5432" "up" "primary" "0" "0" "0" "0" "0" "0" "0" "0" "0"]`, "PortalSuspended",
				`["2" "db2" "5433" "waiting" "standby" "10" "1" "2" "3" "4" "5" "6" "7" "8"]`, "PortalSuspended", "SELECT 0"}, false},
		{"set", []pgproto3.FrontendMessage{parse("", "PGPOOL SET client_idle_limit = 7"), &pgproto3.Describe{ObjectType: 'S'}, bind("", ""),
			&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, parse("", "PGPOOL SHOW client_idle_limit"), bind("", ""), &pgproto3.Execute{}},
			[]string{"ParseComplete", "ParameterDescription", "NoData", "BindComplete", "NoData", "SET", "ParseComplete", "BindComplete", `["7s"]`, "SELECT 1"}, false},
		{"a group", []pgproto3.FrontendMessage{parse("", "PGPOOL SHOW watchdog"), bind("", ""), &pgproto3.Describe{ObjectType: 'P'}},
			[]string{"ParseComplete", "BindComplete", "columns item value description"}, false},
		{"an empty text", []pgproto3.FrontendMessage{parse("", ""), bind("", ""), &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}},
			[]string{"ParseComplete", "BindComplete", "NoData", "EmptyQueryResponse"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			reply, failed := New(newFixed(t)).Batch(context.Background(), batch(t, c.do...))
			if got := read(t, reply); !slices.Equal(got, c.want) || failed != c.failed {
				t.Errorf("failed %t\ngot  %s\nwant %s", failed, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
			}
		})
	}
}

func TestOwns(t *testing.T) {
	e := New(newFixed(t))
	e.Batch(context.Background(), batch(t, &pgproto3.Parse{Name: "a", Query: "SHOW pool_nodes"}, &pgproto3.Parse{Query: "SHOW pool_nodes"}))
	if !e.Owns("a") || !e.Owns("") || e.Owns("b") {
		t.Error("what was parsed here is not owned here, or more is")
	}
	e.Query(context.Background(), "SHOW pool_version")
	if !e.Owns("a") || e.Owns("") {
		t.Error("a simple query ends the unnamed statement and no other")
	}
	e.Batch(context.Background(), batch(t, &pgproto3.Close{ObjectType: 'S', Name: "a"}))
	if e.Owns("a") {
		t.Error("a closed statement is owned")
	}
}

func TestStatementsAreBounded(t *testing.T) {
	e := New(newFixed(t))
	for i := range most + 1 {
		name := strings.Repeat("x", i+1)
		reply, failed := e.Batch(context.Background(), batch(t, &pgproto3.Parse{Name: name, Query: "SHOW pool_version"},
			&pgproto3.Bind{DestinationPortal: name, PreparedStatement: name}, &pgproto3.Execute{Portal: name}))
		if failed != (i == most) {
			t.Fatalf("statement %d: %q", i+1, read(t, reply))
		}
	}
	// Portals that are done with make room.
	for range most + 5 {
		if reply, failed := e.Batch(context.Background(), batch(t, &pgproto3.Bind{DestinationPortal: "again", PreparedStatement: "x"},
			&pgproto3.Execute{Portal: "again"})); failed {
			t.Fatalf("%q", read(t, reply))
		}
	}
}

func FuzzBatch(f *testing.F) {
	f.Add(batch(f, &pgproto3.Parse{Query: "SHOW pool_nodes"}, &pgproto3.Bind{ResultFormatCodes: []int16{1}}, &pgproto3.Execute{MaxRows: 1}))
	f.Add(batch(f, &pgproto3.Parse{Name: "a", Query: "PGPOOL SET client_idle_limit = 1"}, &pgproto3.Describe{ObjectType: 'S', Name: "a"}, &pgproto3.Close{ObjectType: 'S', Name: "a"}))
	f.Add([]byte("P\x00\x00\x00\x04"))
	f.Add([]byte{'B', 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, messages []byte) {
		w := &fixed{c: config.Default()}
		e := New(w)
		reply, failed := e.Batch(context.Background(), messages)
		lines := read(t, reply)
		if last := len(lines) - 1; failed && (last < 0 || !strings.HasPrefix(lines[last], "ERROR ")) {
			t.Errorf("failed without an error: %q", lines)
		}
	})
}
