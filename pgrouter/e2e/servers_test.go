package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestServersComeAndGo: SIGHUP adds a standby and takes another one out; no session notices, whatever it was doing.
func TestServersComeAndGo(t *testing.T) {
	needRouter(t)
	c := newCluster(t)
	c.exec(t, "CREATE TABLE of_open (i int)")
	added := c.primary.Standby(t)
	port := strconv.Itoa(added.Port())
	two := fmt.Sprintf("backend_hostname2 = '%s'\nbackend_port2 = %s\nbackend_application_name2 = '%s'\n", added.Host(), port, added.Name())
	r := start(t, c, reads)
	at := len(r.log.String())
	reload := func(lines, logged string) {
		t.Helper()
		r.write(t, "pgpool.conf", r.conf(c, lines))
		r.cmd.Process.Signal(syscall.SIGHUP)
		at = r.saw(t, at, logged)
	}
	const long = "SELECT count(*) FROM generate_series(1, 100000000000)"
	idle, open, runs, writes := r.connect(t), r.connect(t), r.connect(t), r.connect(t)
	simple(t, idle, "SET my.own = 'mine'")
	simple(t, open, "BEGIN; INSERT INTO of_open VALUES (1)")
	simple(t, writes, "SELECT forced()")
	want(t, "a read before", c.server(simple(t, idle, "SELECT node()")), "standby")
	ran := make(chan error, 1)
	go func() { ran <- runs.Exec(within(t), long).Close() }()
	c.running(t, long)
	prepared := r.pgx(t)
	if _, err := prepared.Exec(within(t), "SELECT node() WHERE $1 > 0", 1); err != nil {
		t.Fatal(err)
	}

	reload(reads+two+"backend_weight1 = 1\nbackend_weight2 = 3\n", "reloaded")
	r.state(t, 2, "up")
	want(t, "the shares of the reads", strings.Join(r.column(t, "lb_weight"), " "), "0.000000 0.250000 0.750000")
	readsOn(t, port, func() *pgconn.PgConn { return r.connect(t) })
	want(t, "the session that reads on the old one", c.server(simple(t, idle, "SELECT node()")), "standby")

	reload(reads+two+"backend_port0 = 0\nbackend_weight2 = 1\n", "not reloaded")
	if log := r.log.String(); !strings.Contains(log, "is the primary") || !strings.Contains(log, "switch over first") {
		t.Errorf("why the primary stays is not in the log:\n%s", log)
	}
	want(t, "the servers", strings.Join(r.column(t, "node_id"), " "), "0 1 2")

	reload(reads+two+"backend_port1 = 0\nbackend_weight2 = 1\n", "reloaded")
	want(t, "the servers", strings.Join(r.column(t, "node_id"), " "), "0 2")
	readsOn(t, port, func() *pgconn.PgConn { return idle })
	want(t, "its settings", simple(t, idle, "SELECT current_setting('my.own')"), "mine")
	var node int
	if err := prepared.QueryRow(within(t), "SELECT node() WHERE $1 > 0", 1).Scan(&node); err != nil || node != added.Port() {
		t.Errorf("a prepared statement: %d, %v", node, err)
	}
	simple(t, open, "INSERT INTO of_open VALUES (2); COMMIT")
	want(t, "a write", simple(t, writes, "SELECT count(*) FROM of_open WHERE forced()"), "2")
	c.running(t, long)
	if err := runs.CancelRequest(within(t)); err != nil {
		t.Fatal(err)
	}
	if got := code(<-ran); got != "57014" {
		t.Errorf("the statement that ran on the server that went ended with %s", got)
	}
	want(t, "its session's next read", simple(t, runs, "SELECT node()"), port)
	c.left(t)

	reload(reads+two+"backend_port1 = 0\nbackend_port2 = 1\nbackend_weight2 = 1\n", "backend_port2")
	readsOn(t, port, func() *pgconn.PgConn { return idle })
	for _, p := range []*pgconn.PgConn{idle, open, runs, writes} {
		if p.IsClosed() {
			t.Error("a session was ended")
		}
	}
}

// readsOn waits until a session reads on a server. The router looks at the catalog again after a reload, and until it has done
// so a function is taken for one that writes.
func readsOn(t testing.TB, port string, session func() *pgconn.PgConn) {
	t.Helper()
	for end := time.Now().Add(limit); simple(t, session(), "SELECT node()") != port; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no read runs on the server with port %s", port)
		}
	}
}

// column is a column of SHOW pool_nodes.
func (r *router) column(t testing.TB, name string) (values []string) {
	t.Helper()
	results, err := r.connect(t).Exec(within(t), "SHOW pool_nodes").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range results[0].FieldDescriptions {
		if f.Name == name {
			for _, row := range results[0].Rows {
				values = append(values, string(row[i]))
			}
		}
	}
	return values
}

// left waits until no session is open on the standby but the one that asks.
func (c *cluster) left(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		n := c.standby.Query1(t, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
		if n == "0" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s sessions are still open on the server that went", n)
		}
	}
}
