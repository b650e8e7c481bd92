package e2e

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// saw waits until the log has a text in what came after a position, and returns the new position.
func (r *router) saw(t testing.TB, from int, text string) int {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		log := r.log.String()
		if strings.Contains(log[from:], text) {
			return len(log)
		}
		if time.Now().After(end) {
			t.Fatalf("%q is not in the log:\n%s", text, log[from:])
		}
	}
}

// TestReload: SIGHUP brings a good configuration into force for sessions that are there, and leaves the old one in
// force when the new one is bad in any part.
func TestReload(t *testing.T) {
	needRouter(t)
	c := shared(t)
	r := start(t, c, reads)
	p := r.connect(t)
	want(t, "before", c.server(simple(t, p, "SELECT node()")), "standby")
	at := len(r.log.String())
	reload := func(conf, logged string) {
		t.Helper()
		r.write(t, "pgpool.conf", conf)
		r.cmd.Process.Signal(syscall.SIGHUP)
		at = r.saw(t, at, logged)
	}

	for name, bad := range map[string]string{
		"a syntax error":           "this is no setting\n",
		"an unknown parameter":     "no_such_parameter = 1\n",
		"a value out of bounds":    "port = 70000\n",
		"a file that is not there": "ssl = on\nssl_cert = 'nowhere.crt'\nssl_key = 'nowhere.key'\n",
	} {
		reload(r.conf(c, "backend_weight0 = 1\nbackend_weight1 = 0\n"+bad), "not reloaded")
		want(t, name+": the old weights stay", c.server(simple(t, r.connect(t), "SELECT node()")), "standby")
	}
	reload(r.conf(c, "backend_weight0 = 1\nbackend_weight1 = 0\n"), "reloaded")
	want(t, "the new weights", c.server(simple(t, r.connect(t), "SELECT node()")), "primary")
	want(t, "the session from before still works", simple(t, p, "SELECT 1"), "1")
	reload(r.conf(c, reads+"primary_routing_query_pattern_list = '.*items.*'\n"), "reloaded")
	r.settle(t, c)
	q := r.connect(t)
	want(t, "the new pattern", c.server(simple(t, q, "SELECT node() FROM items WHERE id = 1")), "primary")
	want(t, "what it does not match", c.server(simple(t, q, "SELECT node()")), "standby")
	reload(r.conf(c, reads+"enable_pool_hba = on\n"), "not reloaded") // there is no pool_hba.conf
	r.write(t, "pool_hba.conf", "host all alice 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 trust\n")
	reload(r.conf(c, reads+"enable_pool_hba = on\n"), "reloaded")
	want(t, "the new pool_hba.conf", refusal(t, r.dsn("postgres", "alice")).Code, "28000")
	want(t, "the session from the beginning", simple(t, p, "SELECT 1"), "1")
}

// TestDrain: SIGTERM lets open transactions end, tells everybody else why they have to go, and ends with status 0.
func TestDrain(t *testing.T) {
	needRouter(t)
	r := start(t, shared(t), reads+"shutdown_timeout = 60\n")
	idle, open, runs := r.raw(t), r.connect(t), r.connect(t)
	simple(t, open, "BEGIN; CREATE TEMP TABLE drained (i int)")
	ran := make(chan error, 1)
	go func() { ran <- runs.Exec(within(t), "SELECT pg_sleep(1.5)").Close() }()
	shared(t).running(t, "SELECT pg_sleep(1.5)")

	r.cmd.Process.Signal(syscall.SIGTERM)
	idle.receive(t, "the idle client", "error 57P01")
	if c, err := pgconn.Connect(within(t), r.dsn("postgres", "postgres")); err == nil {
		c.Close(within(t))
		t.Error("a new client was let in")
	}
	if err := <-ran; err != nil {
		t.Errorf("the statement that ran: %v", err)
	}
	simple(t, open, "INSERT INTO drained VALUES (1)")
	want(t, "the open transaction", simple(t, open, "SELECT count(*) FROM drained"), "1")
	if r.ended() {
		t.Fatal("the router has ended before the open transaction")
	}
	simple(t, open, "COMMIT")
	select {
	case <-r.done:
	case <-time.After(limit):
		t.Fatal("the router does not end")
	}
	if status := r.cmd.ProcessState.ExitCode(); status != 0 {
		t.Errorf("status %d", status)
	}
	_, err := try(t, open, "SELECT 1")
	var e *pgconn.PgError
	if errors.As(err, &e) {
		want(t, "the client whose transaction has ended", e.Code, "57P01")
	} else if err == nil {
		t.Error("a statement after the end has worked")
	}
}

// TestDrainHasAnEnd: after shutdown_timeout an open transaction is lost, with the reason, and the status is still 0.
func TestDrainHasAnEnd(t *testing.T) {
	needRouter(t)
	r := start(t, shared(t), reads+"shutdown_timeout = 1\n")
	s := r.raw(t)
	s.send(t, query("BEGIN"))
	s.receive(t, "begin", "done BEGIN", "ready T")
	r.cmd.Process.Signal(syscall.SIGTERM)
	s.receive(t, "the open transaction", "error 57P01")
	if status := r.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
}
