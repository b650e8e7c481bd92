package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// TestSessionStateOnBothServers: what SET changes holds for reads on the standby as well.
func TestSessionStateOnBothServers(t *testing.T) {
	c := shared(t)
	r := start(t, c, reads)
	// Each pair reads a state on the standby and on the primary, to which forced() sends it.
	for _, test := range []struct{ set, read, want, reset string }{
		{"SET ROLE alice", "current_user", "alice", "RESET ROLE"},
		{"SET SESSION AUTHORIZATION bob", "current_user", "bob", "RESET SESSION AUTHORIZATION"},
		{"SET SESSION AUTHORIZATION bob", "session_user", "bob", "SET SESSION AUTHORIZATION DEFAULT"},
		{"SET search_path = other", "(SELECT name FROM items WHERE id = 1)", "other 1", "RESET search_path"},
		{"SET TIME ZONE 'Asia/Tokyo'", "current_setting('TimeZone')", "Asia/Tokyo", "SET TIME ZONE DEFAULT"},
		{"SET datestyle = 'German'", "date '2024-02-29'::text", "29.02.2024", "RESET datestyle"},
		{"SET work_mem TO '7MB'", "current_setting('work_mem')", "7MB", "RESET ALL"},
		{"SET my.own = 'thing'", "current_setting('my.own', true)", "thing", "SET my.own = ''"},
		{"SELECT set_config('my.own', 'other thing', false)", "current_setting('my.own', true)", "other thing", "DISCARD ALL"},
		{"SET bytea_output = 'escape'", "'\\x5c'::bytea::text", "\\\\", "DISCARD ALL"},
	} {
		t.Run(test.set, func(t *testing.T) {
			p := r.connect(t)
			balanced, atPrimary := "SELECT "+test.read, "SELECT "+test.read+" WHERE public.forced()"
			before := simple(t, p, balanced)
			simple(t, p, test.set)
			want(t, "balanced", simple(t, p, balanced), test.want)
			want(t, "on the primary", simple(t, p, atPrimary), test.want)
			want(t, "balanced, extended", extended(t, p, balanced), test.want)
			// After set_config the session may stay on the primary: nobody has read what it has set.
			if server := c.server(simple(t, p, "SELECT public.node()")); !direct && server != "standby" && !strings.Contains(test.set, "set_config") {
				t.Errorf("the reader ran on %s", server)
			}
			simple(t, p, test.reset)
			want(t, "balanced, after the reset", simple(t, p, balanced), before)
			want(t, "on the primary, after the reset", simple(t, p, atPrimary), before)
		})
	}
}

// TestSetLocalAndRollback: a SET in a transaction goes when that is rolled back, on both servers.
func TestSetLocalAndRollback(t *testing.T) {
	r := start(t, shared(t), reads)
	p := r.connect(t)
	const balanced = "SELECT current_setting('work_mem')"
	const atPrimary = balanced + " WHERE public.forced()"
	both := func(what, wanted string) {
		t.Helper()
		want(t, what+", balanced", simple(t, p, balanced), wanted)
		want(t, what+", on the primary", simple(t, p, atPrimary), wanted)
	}
	before := simple(t, p, balanced)
	simple(t, p, "BEGIN")
	simple(t, p, "SET LOCAL work_mem = '9MB'")
	both("SET LOCAL in the transaction", "9MB")
	simple(t, p, "COMMIT")
	both("SET LOCAL after the transaction", before)

	simple(t, p, "BEGIN")
	simple(t, p, "SET work_mem = '10MB'")
	both("SET in the transaction", "10MB")
	simple(t, p, "ROLLBACK")
	both("SET rolled back", before)

	simple(t, p, "BEGIN; SET work_mem = '11MB'")
	simple(t, p, "COMMIT")
	both("SET committed", "11MB")

	if _, err := try(t, p, "SET work_mem = '12MB'; SELECT 1/0"); code(err) != "22012" {
		t.Errorf("got %v", err)
	}
	both("SET in a string that failed", "11MB")
}

// TestStateDoesNotLeak: the next client that gets a server connection finds it as new.
func TestStateDoesNotLeak(t *testing.T) {
	r := start(t, shared(t), reads)
	for i := range 10 {
		p := r.connect(t)
		for _, sql := range []string{
			"SELECT current_setting('my.leak', true)",
			"SELECT current_setting('my.leak', true) WHERE public.forced()",
		} {
			want(t, fmt.Sprint("round ", i, ": ", sql), simple(t, p, sql), "")
		}
		want(t, "the user", simple(t, p, "SELECT current_user"), "postgres")
		if v, err := try(t, p, "EXECUTE leak"); code(err) != "26000" {
			t.Errorf("a prepared statement has leaked: %q, %v", v, err)
		}
		if v, err := try(t, p, "SELECT * FROM leak"); code(err) != "42P01" {
			t.Errorf("a temporary table has leaked: %q, %v", v, err)
		}
		simple(t, p, "SET my.leak = 'yes'; PREPARE leak AS SELECT 1; CREATE TEMP TABLE leak (i int); LISTEN leak")
		simple(t, p, "SELECT pg_advisory_lock(815)")
		simple(t, p, "SET ROLE alice")
		simple(t, p, "BEGIN; SELECT 1")
		if i%2 == 0 {
			p.Conn().Close() // without a word
		} else {
			p.Close(within(t))
		}
	}
}

// TestParameterStatus: the driver hears of changed settings once, and of the server's before the first statement.
func TestParameterStatus(t *testing.T) {
	r := start(t, shared(t), reads)
	p := r.connect(t, "application_name=e2e")
	hot := "off"
	if pgtest.Major(t) < 14 { // which does not report it
		hot = ""
	}
	for name, wanted := range map[string]string{"server_encoding": "UTF8", "application_name": "e2e", "integer_datetimes": "on", "is_superuser": "on", "in_hot_standby": hot} {
		want(t, name, p.ParameterStatus(name), wanted)
	}
	if p.ParameterStatus("server_version") == "" {
		t.Error("no server_version")
	}
	simple(t, p, "SELECT 1")
	simple(t, p, "SET datestyle = 'German'")
	want(t, "DateStyle", p.ParameterStatus("DateStyle"), "German, DMY")
	simple(t, p, "SELECT 1")
	want(t, "DateStyle after a read elsewhere", p.ParameterStatus("DateStyle"), "German, DMY")
	want(t, "in_hot_standby after a read elsewhere", p.ParameterStatus("in_hot_standby"), hot)
	want(t, "the name at the servers", simple(t, p, "SELECT current_setting('application_name')"), "e2e")
}

// TestPreparedStatementsMove: statements that were prepared, by message or by SQL, serve on whichever server needs them.
func TestPreparedStatementsMove(t *testing.T) {
	c := shared(t)
	r := start(t, c, reads)
	s := r.raw(t)
	s.send(t, parse("SELECT node(), $1::text", "moves"), syncNow())
	s.receive(t, "parse", "ParseComplete", "ready I")
	run := func(status string) string {
		t.Helper()
		s.send(t, bind("moves", "x"), execute(), syncNow())
		got := s.until(t, "ready")
		if len(got) != 4 || got[3] != "ready "+status {
			t.Fatalf("got %v", got)
		}
		var node, x string
		fmt.Sscanf(got[1], "row %s", &node)
		node, x = node[:len(node)-2], node[len(node)-2:]
		want(t, "the parameter", x, ",x")
		return c.server(node)
	}
	simpleStep := func(sql, status string) {
		t.Helper()
		s.send(t, query(sql))
		got := s.until(t, "ready")
		want(t, sql, got[len(got)-1], "ready "+status)
	}
	reader := "standby"
	if direct {
		reader = "primary"
	}
	for range 3 {
		want(t, "outside", run("I"), reader)
		simpleStep("BEGIN", "T")
		simpleStep("CREATE TABLE moves ()", "T")
		want(t, "after a write", run("T"), "primary")
		simpleStep("ROLLBACK", "I")
	}
	s.send(t, &pgproto3.Close{ObjectType: 'S', Name: "moves"}, syncNow())
	s.receive(t, "close", "CloseComplete", "ready I")
	s.send(t, bind("moves", "x"), execute(), syncNow())
	s.receive(t, "closed", "error 26000", "ready I")
	s.send(t, parse("SELECT 'again'", "moves"), bind("moves"), execute(), syncNow())
	s.receive(t, "parsed again", "ParseComplete", "BindComplete", "row again", "done SELECT 1", "ready I")
	s.send(t, &pgproto3.Close{ObjectType: 'S', Name: "moves"}, syncNow())
	s.receive(t, "closed again", "CloseComplete", "ready I")
	s.send(t, parse("SELECT 'third'", "moves"), syncNow())
	s.receive(t, "parsed a third time", "ParseComplete", "ready I")
	simpleStep("DISCARD ALL", "I")
	s.send(t, bind("moves"), execute(), syncNow())
	s.receive(t, "discarded", "error 26000", "ready I")
}

// TestSQLPrepare: PREPARE, EXECUTE and DEALLOCATE, in and outside of transactions.
func TestSQLPrepare(t *testing.T) {
	r := start(t, shared(t), reads)
	p := r.connect(t)
	simple(t, p, "PREPARE r (int) AS SELECT name FROM items WHERE id = $1")
	simple(t, p, "CREATE TEMP TABLE w (i int)")
	simple(t, p, "PREPARE w (int) AS INSERT INTO w VALUES ($1)")
	for i := 1; i <= 10; i++ {
		want(t, "EXECUTE r", simple(t, p, fmt.Sprintf("EXECUTE r(%d)", i)), fmt.Sprint("item ", i))
		simple(t, p, fmt.Sprintf("EXECUTE w(%d)", i))
	}
	simple(t, p, "BEGIN")
	want(t, "EXECUTE r in a transaction", simple(t, p, "EXECUTE r(1)"), "item 1")
	simple(t, p, "EXECUTE w(11)")
	want(t, "own writes", simple(t, p, "SELECT count(*) FROM w"), "11")
	want(t, "EXECUTE r after a write", simple(t, p, "EXECUTE r(2)"), "item 2")
	simple(t, p, "ROLLBACK")
	_, err := try(t, p, "PREPARE r AS SELECT 1")
	want(t, "a name that is taken", code(err), "42P05")
	simple(t, p, "DEALLOCATE r")
	_, err = try(t, p, "EXECUTE r(1)")
	want(t, "deallocated", code(err), "26000")
	simple(t, p, "PREPARE r AS SELECT 'new'")
	want(t, "prepared again", simple(t, p, "EXECUTE r"), "new")
	simple(t, p, "DEALLOCATE ALL")
	_, err = try(t, p, "EXECUTE w(1)")
	want(t, "deallocated with all", code(err), "26000")
	simple(t, p, "BEGIN; PREPARE s AS SELECT 1; ROLLBACK")
	want(t, "prepared statements outlive a rollback", simple(t, p, "EXECUTE s"), "1")
}
