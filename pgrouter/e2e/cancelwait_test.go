package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// insist sends cancel requests until a statement has ended, and returns its SQLSTATE.
func (r *router) insist(t testing.TB, p *pgconn.PgConn, sql string) string {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.Exec(within(t), sql).Close() }()
	for pause := 10 * time.Millisecond; ; pause *= 2 { // it may not have begun yet
		select {
		case err := <-ended:
			return code(err)
		case <-time.After(pause):
			r.cancel(t, p.PID(), p.SecretKey())
		}
	}
}

// TestCancelWithoutPrimary: a statement that waits for a primary can be cancelled; it never runs, and its session goes on.
func TestCancelWithoutPrimary(t *testing.T) {
	needRouter(t)
	c := newCluster(t)
	r := start(t, c, reads+"failover_wait = 600\n")
	p, other := r.connect(t), r.connect(t)
	simple(t, p, "SET my.own = 'mine'")
	c.primary.Stop(t, pgtest.Fast)
	r.state(t, 0, "down")
	want(t, "a write", r.insist(t, p, "CREATE TABLE cancelled (i int)"), "57014")
	want(t, "a read", c.server(simple(t, p, "SELECT node()")), "standby")
	s := r.raw(t)
	s.send(t, append(all("CREATE TABLE cancelled (i int)"), syncNow())...)
	s.send(t, query("SELECT 'next'")) // is not what was cancelled
	for {
		r.cancel(t, s.pid, s.key)
		s.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		m, err := s.Receive()
		if err != nil {
			if timeout, ok := err.(interface{ Timeout() bool }); !ok || !timeout.Timeout() {
				t.Fatal(err)
			}
			continue
		}
		want(t, "a batch", short(m), "error 57014")
		break
	}
	s.conn.SetReadDeadline(time.Now().Add(limit))
	s.receive(t, "behind it", "ready I", "columns 1", "row next", "done SELECT 1", "ready I")

	written := make(chan error, 1)
	go func() { written <- other.Exec(within(t), "CREATE TABLE waited (i int)").Close() }()
	c.primary.Start(t)
	if err := <-written; err != nil {
		t.Errorf("the write that was not cancelled: %v", err)
	}
	want(t, "the session", simple(t, p, "SELECT current_setting('my.own') WHERE forced()"), "mine")
	want(t, "what was made", c.primary.Query1(t, "SELECT string_agg(relname, ',') FROM pg_class WHERE relname IN ('cancelled', 'waited')"), "waited")
}

// TestCancelWithoutAPlace: so can one that waits because the server takes no more connections, or does not answer.
func TestCancelWithoutAPlace(t *testing.T) {
	needRouter(t)
	c := newCluster(t)
	c.exec(t, "CREATE ROLE carol LOGIN CONNECTION LIMIT 1")
	r := start(t, c, reads+"failover_wait = 600\nconnect_timeout = 600000\nconnection_cache = off\n")
	p, q := r.connect(t, "user=carol"), r.connect(t, "user=carol")
	simple(t, p, "BEGIN; SELECT forced()")
	cancelled := 0
	for end := time.Now().Add(limit); cancelled == 0 && time.Now().Before(end); {
		switch got := r.insist(t, q, "SELECT forced()"); got {
		case "57014":
			cancelled++
		case "53300": // the cancel was too slow
		default:
			t.Fatalf("a statement without a place: %q", got)
		}
	}
	if cancelled == 0 {
		t.Error("no statement was cancelled while it waited")
	}
	simple(t, p, "COMMIT")
	p.Close(within(t))
	c.primary.Until(t, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'carol'", "0")
	want(t, "with a place", simple(t, q, "SELECT 'there' WHERE forced()"), "there")

	frozen := r.connect(t)
	c.primary.Kill(t, syscall.SIGSTOP)
	defer c.primary.Kill(t, syscall.SIGCONT)
	want(t, "while the server does not answer", r.insist(t, frozen, "SELECT forced()"), "57014")
	want(t, "a read then", c.server(simple(t, frozen, "SELECT node()")), "standby")
}

// TestCancelsHitNoNeighbour: many clients cancel their own statements, which could last for ever, over the same server
// connections. Each cancel takes effect, and hits neither another client's statement nor one that its own client sends
// after the cancel request was taken.
func TestCancelsHitNoNeighbour(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	r := start(t, shared(t), spread)
	var wg sync.WaitGroup
	for i := range 24 {
		random := rand.New(rand.NewPCG(uint64(i), 2))
		wg.Go(func() {
			var p *pgconn.PgConn
			for n := range rounds {
				if p == nil || n%5 == 0 {
					if p != nil {
						p.Close(within(t))
					}
					var err error
					if p, err = pgconn.Connect(within(t), r.dsn("postgres", "postgres")); err != nil {
						t.Errorf("connect: %v", err)
						return
					}
				}
				sql := []string{
					"SELECT pg_sleep(1000)",
					"SELECT pg_sleep(1000), forced()",
					"BEGIN; SELECT pg_sleep(1000)",
				}[random.IntN(3)]
				if got := r.insist(t, p, sql); got != "57014" {
					t.Errorf("%s: %q, want 57014", sql, got)
					return
				}
				if strings.HasPrefix(sql, "BEGIN") {
					if _, err := try(t, p, "ROLLBACK"); err != nil {
						t.Errorf("the ROLLBACK behind a cancelled statement: %v", err)
					}
				}
				for k := range 1 + random.IntN(5) {
					mine := fmt.Sprintf("%d-%d-%d", i, n, k)
					sql := fmt.Sprintf("SELECT '%s' FROM pg_sleep(%f)", mine, random.Float64()/100)
					if got, err := try(t, p, sql); err != nil || got != mine {
						t.Errorf("%s: %q, %v", sql, got, err)
					}
				}
			}
			if p != nil {
				p.Close(within(t))
			}
		})
	}
	wg.Wait()
}
