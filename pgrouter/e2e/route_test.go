package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// step is a statement and the server that its answer, the number of node(), has to name; "" for none, and with "soon "
// before it when a DDL statement came before: the router may be careful until it has read the catalog again.
type step struct{ sql, on string }

// walk runs steps in one session, in both protocols.
func walk(t *testing.T, r *router, c *cluster, steps []step) {
	t.Helper()
	for _, protocol := range []struct {
		name string
		run  func(*pgconn.PgConn, string) string
	}{
		{"simple", func(p *pgconn.PgConn, sql string) string { return simple(t, p, sql) }},
		{"extended", func(p *pgconn.PgConn, sql string) string { return extended(t, p, sql) }},
	} {
		r.settle(t, c)
		p := r.connect(t)
		for i, s := range steps {
			got := protocol.run(p, s.sql)
			if s.on == "" {
				continue
			}
			on, soon := strings.CutPrefix(s.on, "soon ")
			for end := time.Now().Add(limit); soon && c.server(got) != on && time.Now().Before(end); {
				got = protocol.run(p, s.sql)
			}
			if server := c.server(got); server != on {
				t.Errorf("%s protocol, step %d: %s ran on %s, want %s", protocol.name, i, s.sql, server, on)
			}
		}
	}
}

// settle waits until reads are balanced: until the router has read the catalog after its start or the last DDL statement.
func (r *router) settle(t testing.TB, c *cluster) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		p := r.connect(t)
		server := c.server(simple(t, p, "SELECT node()"))
		p.Close(within(t))
		if server == "standby" {
			return
		}
		if time.Now().After(end) {
			t.Fatal("reads are not balanced")
		}
	}
}

// TestRoutes follows sessions from statement to statement: each answer names the server that gave it.
func TestRoutes(t *testing.T) {
	needRouter(t)
	c := shared(t)
	c.exec(t, `CREATE TABLE route (id int PRIMARY KEY); INSERT INTO route SELECT generate_series(1, 10);
		CREATE UNLOGGED TABLE route_unlogged (id int); INSERT INTO route_unlogged VALUES (1);
		CREATE VIEW route_view AS SELECT node() AS node;
		CREATE FUNCTION writes() RETURNS int VOLATILE LANGUAGE sql AS 'INSERT INTO route VALUES (nextval(''numbers'') + 1000); SELECT node()';
		CREATE FUNCTION changes() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
		CREATE VIEW route_writes AS SELECT writes() AS node`)
	t.Cleanup(func() {
		c.exec(t, "DROP VIEW route_view, route_writes; DROP FUNCTION writes, changes; DROP TABLE route, route_unlogged")
	})
	r := start(t, c, reads)
	for name, steps := range map[string][]step{
		"plain reads": {
			{"SELECT node()", "standby"},
			{"SELECT node() FROM items WHERE id = 1", "standby"},
			{"  select node() from route limit 1", "standby"},
			{"WITH a AS (SELECT 1) SELECT node() FROM a", "standby"},
			{"SELECT node() UNION SELECT node()", "standby"},
			{"SELECT node FROM route_view", "standby"},
			{"SELECT current_setting('port')", "standby"},
			{"SELECT inet_server_port()", "standby"},
			{"SELECT node(), now(), current_date, 1.5::numeric(5,2), 'a' || 'b'", "standby"},
		},
		"what only looks like a read": {
			{"SELECT node(), nextval('numbers')", "primary"},
			{"SELECT node(), forced()", "primary"},
			{"SELECT writes()", "primary"},
			{"SELECT node FROM route_writes", "primary"},
			{"SELECT node() FROM route WHERE id = 1 FOR UPDATE", "primary"},
			{"SELECT node() FROM route WHERE id = 1 FOR SHARE", "primary"},
			{"WITH d AS (DELETE FROM route WHERE id = -1 RETURNING 1) SELECT node()", "primary"},
			{"WITH u AS (UPDATE route SET id = id WHERE id = 2 RETURNING 1) SELECT node() FROM u", "primary"},
			{"SELECT node(), pg_advisory_lock(4711)::text", "primary"},
			{"SELECT node(), pg_advisory_unlock(4711)", "primary"},
			{"SELECT node() FROM route_unlogged", "primary"},
			{"SELECT node(), pg_notify('route', 'x')::text", "primary"},
			{"INSERT INTO route VALUES (5000) RETURNING node()", "primary"},
			{"DELETE FROM route WHERE id = 5000 RETURNING node()", "primary"},
			{"SELECT node(), txid_current()", "primary"},
		},
		"a temporary table": {
			{"SELECT node()", "standby"},
			{"CREATE TEMP TABLE mine AS SELECT 1 AS i", ""},
			{"SELECT node() FROM mine", "primary"},
			{"SELECT node() FROM (SELECT i FROM mine) x", "primary"},
			{"SELECT node()", "soon standby"},
			{"DROP TABLE mine", ""},
		},
		"a temporary table that hides another": {
			{"SELECT node() FROM items WHERE id = 1", "standby"},
			{"SELECT node() FROM items WHERE id = 1", "standby"},
			{"SELECT node() FROM items WHERE id = 1", "standby"},
			{"CREATE TEMP TABLE items (id int); ", ""},
			{"INSERT INTO items VALUES (1)", ""},
			{"SELECT node() FROM items WHERE id = 1", "primary"},
			{"DROP TABLE pg_temp.items", ""},
		},
		"a text that comes again": {
			{"SELECT node(), changes()", "standby"},
			{"SELECT node(), changes()", "standby"},
			{"SELECT node(), changes()", "standby"},
			{"CREATE OR REPLACE FUNCTION changes() RETURNS int VOLATILE LANGUAGE sql AS 'SELECT 1'", ""},
			{"SELECT node(), changes()", "primary"},
			{"SELECT node()", "soon standby"},
			{"SELECT node(), changes()", "primary"},
			{"SELECT node(), changes()", "primary"},
			{"CREATE OR REPLACE FUNCTION changes() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'", ""},
			{"SELECT node(), changes()", "soon standby"},
		},
		"a transaction that reads": {
			{"BEGIN", ""},
			{"SELECT node() FROM items WHERE id = 1", "standby"},
			{"SELECT node() FROM items WHERE id = 2", "standby"},
			{"COMMIT", ""},
			{"SELECT node()", "standby"},
		},
		"a transaction that reads and then writes": {
			{"BEGIN", ""},
			{"SELECT node()", "standby"},
			{"INSERT INTO route VALUES (6000) RETURNING node()", "primary"},
			{"SELECT node() FROM route WHERE id = 6000", "primary"},
			{"ROLLBACK", ""},
			{"SELECT node()", "standby"},
		},
		"read only": {
			{"BEGIN READ ONLY", ""},
			{"SELECT node()", "standby"},
			{"SELECT node() FROM items WHERE id = 1", "standby"},
			{"COMMIT", ""},
		},
		"a transaction begun in other words": {
			{"START TRANSACTION", ""},
			{"UPDATE route SET id = id WHERE id = 1 RETURNING node()", "primary"},
			{"SELECT node()", "primary"},
			{"ABORT", ""},
		},
		"a transaction with a savepoint": {
			{"BEGIN", ""},
			{"INSERT INTO route VALUES (7000)", ""},
			{"SAVEPOINT s", ""},
			{"INSERT INTO route VALUES (7001)", ""},
			{"ROLLBACK TO s", ""},
			{"SELECT node() FROM route WHERE id = 7000", "primary"},
			{"RELEASE s", ""},
			{"ROLLBACK", ""},
		},
	} {
		t.Run(name, func(t *testing.T) { walk(t, r, c, steps) })
	}
}

// TestSerializableStaysOnThePrimary: a standby cannot take part in serializable transactions.
func TestSerializableStaysOnThePrimary(t *testing.T) {
	needRouter(t)
	c := shared(t)
	r := start(t, c, reads)
	walk(t, r, c, []step{
		{"BEGIN ISOLATION LEVEL SERIALIZABLE", ""},
		{"SELECT node() FROM items WHERE id = 1", "primary"},
		{"COMMIT", ""},
		{"BEGIN", ""},
		{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", ""},
		{"SELECT node() FROM items WHERE id = 1", "primary"},
		{"COMMIT", ""},
		{"SET default_transaction_isolation = 'serializable'", ""},
		{"BEGIN", ""},
		{"SELECT node() FROM items WHERE id = 1", "primary"},
		{"COMMIT", ""},
		{"SELECT node() FROM items WHERE id = 1", "primary"},
		{"RESET default_transaction_isolation", ""},
	})
}

// TestRepeatableReadSeesOneSnapshot: what a transaction has seen on one server may not change on another one.
func TestRepeatableReadSeesOneSnapshot(t *testing.T) {
	c := shared(t)
	c.exec(t, "CREATE TABLE snapshot (id int)")
	t.Cleanup(func() { c.exec(t, "DROP TABLE snapshot") })
	r := start(t, c, reads)
	for _, begin := range []string{"BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"} {
		p := r.connect(t)
		simple(t, p, begin)
		before := simple(t, p, "SELECT count(*) FROM snapshot")
		c.exec(t, "INSERT INTO snapshot VALUES (1)")
		want(t, begin+": the same again", simple(t, p, "SELECT count(*) FROM snapshot"), before)
		simple(t, p, "COMMIT")
	}
}

// TestReadsAreSpread shares the reads of many sessions, or of one, by weight.
func TestReadsAreSpread(t *testing.T) {
	needRouter(t)
	c := shared(t)
	for _, level := range []string{"session", "statement"} {
		t.Run(level, func(t *testing.T) {
			lines := spread
			if level == "statement" {
				lines += "statement_level_load_balance = on\n"
			}
			r := start(t, c, lines)
			seen := map[string]int{}
			p := r.connect(t)
			for i := range 60 {
				if level == "session" {
					p = r.connect(t)
				}
				if i%2 == 0 {
					seen[c.server(simple(t, p, "SELECT node()"))]++
				} else {
					seen[c.server(extended(t, p, "SELECT node()"))]++
				}
			}
			// With equal weights 5 of 60 or less come once in 10 thousand million runs.
			if seen["primary"] <= 5 || seen["standby"] <= 5 || len(seen) != 2 {
				t.Errorf("of 60 reads: %v", seen)
			}
			counts := r.selects(t)
			if counts["primary"] < seen["primary"] || counts["standby"] < seen["standby"] {
				t.Errorf("SHOW pool_nodes counts %v, but there were %v", counts, seen)
			}
		})
	}
}

// selects is select_cnt of SHOW pool_nodes, for each role.
func (r *router) selects(t testing.TB) map[string]int {
	t.Helper()
	results, err := r.connect(t).Exec(within(t), "SHOW pool_nodes").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, row := range results[0].Rows {
		var role string
		var n int
		for i, f := range results[0].FieldDescriptions {
			switch f.Name {
			case "role":
				role = string(row[i])
			case "select_cnt":
				fmt.Sscan(string(row[i]), &n)
			}
		}
		counts[role] = n
	}
	return counts
}

// TestStickiness follows each value of disable_load_balance_on_write.
func TestStickiness(t *testing.T) {
	needRouter(t)
	c := shared(t)
	c.exec(t, "CREATE TABLE sticky (id int)")
	t.Cleanup(func() { c.exec(t, "DROP TABLE sticky") })
	const write = "INSERT INTO sticky VALUES (1)"
	for value, want := range map[string][3]string{
		// read in a transaction after a write; outside after it; in the next transaction
		"off":               {"standby", "standby", "standby"},
		"transaction":       {"primary", "standby", "standby"},
		"trans_transaction": {"primary", "standby", "primary"},
		"always":            {"primary", "primary", "primary"},
	} {
		t.Run(value, func(t *testing.T) {
			r := start(t, c, reads+"disable_load_balance_on_write = "+strings.TrimSpace(value)+"\n")
			walk(t, r, c, []step{
				{"SELECT node()", "standby"},
				{"BEGIN", ""}, {write, ""}, {"SELECT node()", want[0]}, {"COMMIT", ""},
				{"SELECT node()", want[1]},
				{"BEGIN", ""}, {"SELECT node()", want[2]}, {"COMMIT", ""},
			})
		})
	}
}
