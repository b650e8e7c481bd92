package e2e

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// TestPortals keeps several portals open in one transaction and reads from them in turn.
func TestPortals(t *testing.T) {
	s := start(t, shared(t), reads).raw(t)
	for _, write := range []bool{false, true} {
		s.send(t, query("BEGIN"))
		s.receive(t, "begin", "done BEGIN", "ready T")
		if write {
			s.send(t, query("CREATE TEMP TABLE portals ON COMMIT DROP AS SELECT 1"))
			s.receive(t, "write", "done SELECT 1", "ready T")
		}
		for _, name := range []string{"a", "b"} {
			s.send(t, parse("SELECT generate_series($1::int, $1 + 3)", name),
				&pgproto3.Bind{DestinationPortal: name, PreparedStatement: name, Parameters: [][]byte{{'1'}}}, syncNow())
			s.receive(t, "open "+name, "ParseComplete", "BindComplete", "ready T")
		}
		next := func(name string, wanted ...string) {
			t.Helper()
			s.send(t, &pgproto3.Execute{Portal: name, MaxRows: 2}, syncNow())
			s.receive(t, "rows of "+name, append(wanted, "ready T")...)
		}
		next("a", "row 1", "row 2", "PortalSuspended")
		next("b", "row 1", "row 2", "PortalSuspended")
		next("a", "row 3", "row 4", "PortalSuspended")
		s.send(t, query("SELECT 1"))
		s.receive(t, "a simple query between", "columns 1", "row 1", "done SELECT 1", "ready T")
		next("b", "row 3", "row 4", "PortalSuspended")
		next("a", "done SELECT 0")
		s.send(t, &pgproto3.Close{ObjectType: 'P', Name: "b"}, &pgproto3.Execute{Portal: "b"}, syncNow())
		s.receive(t, "closed", "CloseComplete", "error 34000", "ready E")
		s.send(t, query("ROLLBACK"))
		s.receive(t, "rollback", "done ROLLBACK", "ready I")
		for _, name := range []string{"a", "b"} {
			s.send(t, &pgproto3.Close{ObjectType: 'S', Name: name}, syncNow())
			s.receive(t, "close "+name, "CloseComplete", "ready I")
		}
	}
}

// TestSQLCursors declares, fetches and closes, also WITH HOLD past the transaction's end.
func TestSQLCursors(t *testing.T) {
	p := start(t, shared(t), reads).connect(t)
	simple(t, p, "BEGIN; DECLARE c CURSOR FOR SELECT id FROM items ORDER BY id")
	want(t, "fetch", simple(t, p, "FETCH 1 FROM c"), "1")
	simple(t, p, "MOVE 10 IN c")
	want(t, "fetch after move", simple(t, p, "FETCH c"), "12")
	want(t, "a read between", simple(t, p, "SELECT name FROM items WHERE id = 2"), "item 2")
	want(t, "fetch after a read", extended(t, p, "FETCH c"), "13")
	simple(t, p, "CLOSE c; COMMIT")
	simple(t, p, "DECLARE h CURSOR WITH HOLD FOR SELECT id FROM items ORDER BY id")
	simple(t, p, "SELECT 1")
	want(t, "held", simple(t, p, "FETCH h"), "1")
	simple(t, p, "CLOSE h")
}

// TestFunctionCall sends the message that libpq's PQfn and its large object functions send.
func TestFunctionCall(t *testing.T) {
	c := shared(t)
	s := start(t, c, reads).raw(t)
	call := func(function, arg string) *pgproto3.FunctionCall {
		var oid uint32
		fmt.Sscan(c.primary.Query1(t, "SELECT '"+function+"'::regprocedure::oid"), &oid)
		return &pgproto3.FunctionCall{Function: oid, ArgFormatCodes: []uint16{0}, Arguments: [][]byte{[]byte(arg)}}
	}
	for range 2 {
		s.send(t, call("length(text)", "abc"))
		s.receive(t, "a call", "FunctionCallResponse", "ready I")
		s.send(t, call("int4(numeric)", "nonsense"))
		s.receive(t, "a call that fails", "error 22P02", "ready I")
		s.send(t, query("SELECT 1"))
		s.receive(t, "a query behind it", "columns 1", "row 1", "done SELECT 1", "ready I")
		s.send(t, parse("SELECT 2"), bind(""), execute(), syncNow(), call("length(text)", "x"), query("SELECT 3"))
		s.receive(t, "a call between others", "ParseComplete", "BindComplete", "row 2", "done SELECT 1", "ready I",
			"FunctionCallResponse", "ready I", "columns 1", "row 3", "done SELECT 1", "ready I")
	}
}

// TestErrorsInTransactions: an error on whichever server fails the transaction until it is rolled back, on both.
func TestErrorsInTransactions(t *testing.T) {
	r := start(t, shared(t), reads)
	for _, bad := range []string{"SELECT 1/0", "SELECT 1/(id-1) FROM items WHERE id = 1", "SELECT nosuch", "INSERT INTO items VALUES (1, 'x')"} {
		p := r.connect(t)
		simple(t, p, "BEGIN")
		want(t, "before", simple(t, p, "SELECT name FROM items WHERE id = 1"), "item 1")
		if _, err := try(t, p, bad); err == nil {
			t.Fatalf("%s: no error", bad)
		}
		for _, sql := range []string{"SELECT 1", "SELECT forced()", "INSERT INTO items VALUES (5000, 'x')", "SET work_mem = '1MB'"} {
			_, err := try(t, p, sql)
			want(t, bad+", then "+sql, code(err), "25P02")
		}
		want(t, "the state", string(p.TxStatus()), "E")
		tag, err := p.Exec(within(t), "COMMIT").ReadAll()
		if err != nil || tag[0].CommandTag.String() != "ROLLBACK" {
			t.Errorf("COMMIT of a failed transaction: %v, %v", tag, err)
		}
		want(t, "afterwards", simple(t, p, "SELECT name FROM items WHERE id = 1"), "item 1")
		want(t, "afterwards on the primary", simple(t, p, "SELECT name FROM items WHERE id = 1 AND forced()"), "item 1")
	}
}

// TestSavepoints: an error on the standby or the primary is undone by a savepoint.
func TestSavepoints(t *testing.T) {
	r := start(t, shared(t), reads)
	p := r.connect(t)
	for _, write := range []bool{false, true} {
		simple(t, p, "BEGIN")
		if write {
			simple(t, p, "CREATE TABLE savepoints (i int)")
		}
		for _, bad := range []string{"SELECT 1/0", "SELECT 1/0 WHERE forced()"} {
			simple(t, p, "SAVEPOINT one")
			_, err := try(t, p, bad)
			want(t, bad, code(err), "22012")
			simple(t, p, "ROLLBACK TO one")
			want(t, "after it", simple(t, p, "SELECT name FROM items WHERE id = 1"), "item 1")
			simple(t, p, "RELEASE one")
		}
		simple(t, p, "ROLLBACK")
	}
}
