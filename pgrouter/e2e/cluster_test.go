package e2e

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// cluster is a primary and its standby.
type cluster struct{ primary, standby *pgtest.Server }

// settings of both servers: places for many clients, and all kinds of replication and transactions.
const settings = `max_connections = 250
wal_level = logical
max_prepared_transactions = 20
max_wal_senders = 20
superuser_reserved_connections = 3
log_statement = none`

// schema is what all tests find. node() tells where it ran; forced() sends a read to the primary.
const schema = `
CREATE ROLE alice LOGIN PASSWORD 'wonder';
CREATE ROLE bob LOGIN PASSWORD 'builder';
CREATE ROLE walter LOGIN REPLICATION;
CREATE ROLE readers;
GRANT readers TO alice;
CREATE SCHEMA other;
GRANT ALL ON SCHEMA public, other TO PUBLIC;
CREATE FUNCTION node() RETURNS int STABLE LANGUAGE sql AS $$ SELECT current_setting('port')::int $$;
CREATE FUNCTION forced() RETURNS bool VOLATILE LANGUAGE sql AS 'SELECT true';
CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO items SELECT i, 'item ' || i FROM generate_series(1, 1000) i;
CREATE TABLE other.items (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO other.items VALUES (1, 'other 1');
CREATE SEQUENCE numbers;
GRANT SELECT ON items, other.items TO PUBLIC;
GRANT USAGE ON SEQUENCE numbers TO PUBLIC;
`

// newCluster starts servers of the test's own, which it may stop and kill.
func newCluster(t testing.TB, opts ...pgtest.Option) *cluster {
	t.Helper()
	p, s := pgtest.Cluster(t, 1, append([]pgtest.Option{pgtest.Conf(settings), hba("host all,replication all all trust\n")}, opts...)...)
	c := &cluster{p, s[0]}
	c.exec(t, schema)
	return c
}

// hba says how clients log in to the servers over TCP.
func hba(lines string) pgtest.Option { return pgtest.HBA("local all all trust\n" + lines) }

var (
	sharedMu sync.Mutex
	sharedC  *cluster
)

// shared returns servers that all tests use and none stops. Tables that a test makes carry its name.
func shared(t testing.TB) *cluster {
	t.Helper()
	sharedMu.Lock()
	defer sharedMu.Unlock()
	if sharedC == nil {
		sharedC = newCluster(untilAllEnd{t})
	}
	return sharedC
}

// exec runs statements on the primary and waits until the standby has their effects.
func (c *cluster) exec(t testing.TB, sql string) {
	t.Helper()
	c.primary.Exec(t, sql)
	c.sync(t)
}

func (c *cluster) sync(t testing.TB) {
	t.Helper()
	c.standby.WaitReplay(t, c.primary)
}

// server returns the server that node() named.
func (c *cluster) server(node string) string {
	switch node {
	case strconv.Itoa(c.primary.Port()):
		return "primary"
	case strconv.Itoa(c.standby.Port()):
		return "standby"
	}
	return "unknown server " + node
}

// running waits until a statement of this text runs on one of the servers.
func (c *cluster) running(t testing.TB, sql string) {
	t.Helper()
	question := "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = '" + strings.ReplaceAll(sql, "'", "''") + "'"
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		if c.primary.Query1(t, question) != "0" || c.standby.Query1(t, question) != "0" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not run", sql)
		}
	}
}
