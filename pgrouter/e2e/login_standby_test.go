package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// TestReadsWithoutPrimary: a router that starts while the primary is away reads the catalog from the standby, so that
// reads of functions and views run there and do not wait for the primary; when that is back, it is asked.
func TestReadsWithoutPrimary(t *testing.T) {
	needRouter(t)
	eachDoor(t, func(t *testing.T, lines string, files ...string) {
		c := newCluster(t)
		c.exec(t, "CREATE VIEW on_node AS SELECT node() AS node")
		c.primary.Stop(t, pgtest.Fast)
		r := start(t, c, lines+"failover_wait = 600\nrelcache_expire = 3600\n", files...)
		p := r.connect(t)
		for _, sql := range []string{"SELECT node()", "SELECT node FROM on_node", "SELECT node() FROM items WHERE id = 1"} {
			want(t, sql, c.server(simple(t, p, sql)), "standby")
		}

		c.primary.Start(t)
		want(t, "a volatile function", c.server(simple(t, p, "SELECT node() WHERE forced()")), "primary")
		// What changes behind the router's back shows that the primary was asked soon, and not after relcache_expire.
		c.exec(t, "CREATE FUNCTION later() RETURNS int VOLATILE LANGUAGE sql AS 'SELECT node()'")
		for end := time.Now().Add(limit); c.server(simple(t, p, "SELECT later()")) != "primary"; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the snapshot of the standby is still in use")
			}
		}
	})
}

// TestReadsBeforeAnyoneKnows: the first session of a database comes when the host of the primary has just frozen and nobody
// knows that yet.
func TestReadsBeforeAnyoneKnows(t *testing.T) {
	needRouter(t)
	eachDoor(t, func(t *testing.T, lines string, files ...string) {
		c := newCluster(t)
		c.exec(t, "CREATE DATABASE fresh TEMPLATE postgres")
		r := start(t, c, lines+reads+"failover_wait = 600\nconnect_timeout0 = 100\n", files...)
		c.primary.Kill(t, syscall.SIGSTOP)
		defer c.primary.Kill(t, syscall.SIGCONT)
		p, err := pgconn.Connect(within(t), r.dsn("fresh", "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close(within(t))
		want(t, "the read", c.server(simple(t, p, "SELECT node()")), "standby")
	})
}
