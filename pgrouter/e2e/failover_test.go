package e2e

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// TestStandbyKilled: when the standby dies, sessions that read there go on at the primary and do not notice; it leaves
// the balance within a second, and comes back by itself.
func TestStandbyKilled(t *testing.T) {
	needRouter(t)
	c := newCluster(t)
	r := start(t, c, reads+"health_check_period = 1\nhealth_check_user = 'postgres'\nhealth_check_timeout = 5\n")
	var idle []*pgconn.PgConn
	for i := range 10 {
		p := r.connect(t)
		simple(t, p, fmt.Sprintf("SET my.own = 'session %d'", i))
		want(t, "the reader", c.server(simple(t, p, "SELECT node()")), "standby")
		idle = append(idle, p)
	}
	prepared := r.pgx(t)
	var node int
	if err := prepared.QueryRow(within(t), "SELECT node() WHERE $1 > 0", 1).Scan(&node); err != nil {
		t.Fatal(err)
	}
	inFlight := r.connect(t)
	flight := make(chan error, 1)
	const long = "SELECT count(*) FROM generate_series(1, 100000000000)"
	go func() { flight <- inFlight.Exec(within(t), long).Close() }()
	c.running(t, long)

	c.standby.Kill(t, syscall.SIGKILL)
	killed := time.Now()
	for i, p := range idle {
		if i%2 == 0 {
			simple(t, p, "BEGIN")
		}
		want(t, "the reader now", c.server(simple(t, p, "SELECT node()")), "primary")
		want(t, "its settings", simple(t, p, "SELECT current_setting('my.own')"), fmt.Sprint("session ", i))
	}
	if err := prepared.QueryRow(within(t), "SELECT node() WHERE $1 > 0", 1).Scan(&node); err != nil || node != c.primary.Port() {
		t.Errorf("a prepared statement: %d, %v", node, err)
	}
	// The statement that ran there is lost; its client hears of it in words, and its session lives.
	err := <-flight
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code[:2] != "57" && e.Code[:2] != "08" {
		t.Errorf("the statement in flight: %v", err)
	}
	r.state(t, 1, "down")
	if took := time.Since(killed); took > 2*time.Second {
		t.Errorf("the standby left the balance after %v", took)
	}
	for range 20 {
		want(t, "a new client's reader", c.server(simple(t, r.connect(t), "SELECT node()")), "primary")
	}

	c.standby.Start(t)
	r.state(t, 1, "up")
	for end := time.Now().Add(limit); c.server(simple(t, r.connect(t), "SELECT node()")) != "standby"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no read runs on the standby that has come back")
		}
	}
}

// state waits until SHOW pool_nodes tells this state of a node.
func (r *router) state(t testing.TB, node int, wanted string) {
	t.Helper()
	p := r.connect(t)
	var got string
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		results, err := p.Exec(within(t), "SHOW pool_nodes").ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range results[0].FieldDescriptions {
			if f.Name == "status" {
				got = string(results[0].Rows[node][i])
			}
		}
		if got == wanted || wanted == "up" && got == "waiting" {
			return
		}
	}
	t.Fatalf("node %d is %s, want %s", node, got, wanted)
}

// TestPrimaryRestarted: sessions that are idle outside of a transaction outlive a restart of the primary; one with an
// open transaction hears why it is lost.
func TestPrimaryRestarted(t *testing.T) {
	needRouter(t)
	c := newCluster(t)
	r := start(t, c, reads+"failover_wait = 60\n")
	var idle []*pgconn.PgConn
	for i := range 5 {
		p := r.connect(t)
		simple(t, p, fmt.Sprintf("SET my.own = 'session %d'", i))
		simple(t, p, "SELECT forced()")
		simple(t, p, "PREPARE before AS SELECT 'prepared'")
		idle = append(idle, p)
	}
	open := r.connect(t)
	simple(t, open, "BEGIN; CREATE TABLE lost (i int)")

	c.primary.Stop(t, pgtest.Fast)
	r.state(t, 0, "down") // a statement sent before the router knows would be lost with its connection
	c.primary.Start(t)
	for i, p := range idle {
		want(t, "a write", simple(t, p, "CREATE TEMP TABLE alive AS SELECT 'alive' AS a; SELECT a FROM alive"), "alive")
		want(t, "its settings", simple(t, p, "SELECT current_setting('my.own') WHERE forced()"), fmt.Sprint("session ", i))
		want(t, "its prepared statement", simple(t, p, "EXECUTE before"), "prepared")
	}
	_, err := try(t, open, "SELECT 1")
	if got := code(err); !strings.HasPrefix(got, "57P") && !strings.HasPrefix(got, "08") && got != "25P02" {
		t.Errorf("the open transaction: %v", err)
	}
	want(t, "nothing of it is left", c.primary.Query1(t, "SELECT count(*) FROM pg_class WHERE relname = 'lost'"), "0")
}

// TestWritesWaitForThePrimary: a statement that comes while the primary is away waits for it, and reads go on.
func TestWritesWaitForThePrimary(t *testing.T) {
	needRouter(t)
	c := newCluster(t)
	r := start(t, c, reads+"failover_wait = 60\n")
	reader, writer := r.connect(t), r.connect(t)
	simple(t, reader, "SELECT node()")
	simple(t, writer, "SELECT forced()")
	c.primary.Stop(t, pgtest.Fast)
	r.state(t, 0, "down")
	written := make(chan error, 1)
	go func() { written <- writer.Exec(within(t), "CREATE TABLE waited (i int)").Close() }()
	for range 20 {
		want(t, "a read meanwhile", c.server(simple(t, reader, "SELECT node()")), "standby")
	}
	select {
	case err := <-written:
		t.Fatalf("the write has ended without a primary: %v", err)
	default:
	}
	c.primary.Start(t)
	if err := <-written; err != nil {
		t.Errorf("the write that waited: %v", err)
	}
}

// TestNoPrimaryInTime: the wait has an end, and a reason.
func TestNoPrimaryInTime(t *testing.T) {
	needRouter(t)
	c := newCluster(t)
	r := start(t, c, reads+"failover_wait = 1\n")
	p := r.connect(t)
	simple(t, p, "SELECT forced()")
	c.primary.Stop(t, pgtest.Fast)
	r.state(t, 0, "down")
	_, err := try(t, p, "CREATE TABLE never (i int)")
	if got := code(err); !strings.HasPrefix(got, "57P") && !strings.HasPrefix(got, "08") {
		t.Errorf("a write without a primary: %v", err)
	}
	c.primary.Start(t)
}

// TestPromotion: after the standby was promoted, writes go to it.
func TestPromotion(t *testing.T) {
	needRouter(t)
	c := newCluster(t)
	r := start(t, c, spread+"failover_wait = 60\n")
	p := r.connect(t)
	simple(t, p, "SET my.own = 'mine'; CREATE TABLE promoted (i int)")
	c.sync(t)
	c.primary.Stop(t, pgtest.Fast)
	r.state(t, 0, "down")
	c.standby.Promote(t)
	simple(t, p, "INSERT INTO promoted VALUES (1)")
	want(t, "on the new primary", c.server(simple(t, p, "SELECT node() FROM promoted WHERE forced()")), "standby")
	want(t, "the settings", simple(t, p, "SELECT current_setting('my.own') WHERE forced()"), "mine")
}
