package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// refusal connects and returns the error that must come.
func refusal(t testing.TB, dsn string) *pgconn.PgError {
	t.Helper()
	c, err := pgconn.Connect(within(t), dsn)
	if err == nil {
		c.Close(within(t))
		t.Fatalf("%s was let in", dsn)
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v", dsn, err)
	}
	return e
}

// TestTooManyClients: one more than num_init_children is refused at once with the limit's name, and comes in when
// another one has left.
func TestTooManyClients(t *testing.T) {
	needRouter(t)
	r := start(t, shared(t), "num_init_children = 5\n")
	var in []*pgconn.PgConn
	for range 5 {
		in = append(in, r.connectSoon(t))
	}
	begin := time.Now()
	e := refusal(t, r.dsn("postgres", "postgres"))
	want(t, "the code", e.Code, "53300")
	if !strings.Contains(e.Message+e.Detail, "num_init_children") {
		t.Errorf("the limit is not named: %+v", e)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the refusal took %v", took)
	}
	s := in[0]
	sleeps := make(chan error, 1)
	go func() { sleeps <- s.Exec(within(t), "SELECT pg_sleep(100)").Close() }()
	shared(t).running(t, "SELECT pg_sleep(100)")
	r.cancel(t, s.PID(), s.SecretKey()) // needs no place
	want(t, "a cancel while all places are taken", code(<-sleeps), "57014")
	s.Close(within(t))
	want(t, "a place is free again", simple(t, r.connectSoon(t), "SELECT 1"), "1")
}

// connectSoon connects when the session before, which may still be on its way out, has left its place.
func (r *router) connectSoon(t testing.TB) *pgconn.PgConn {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		c, err := pgconn.Connect(within(t), r.dsn("postgres", "postgres"))
		if err == nil {
			t.Cleanup(func() { c.Close(within(t)) })
			return c
		}
		if code(err) != "53300" || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestReservedConnections: the last places are not given away.
func TestReservedConnections(t *testing.T) {
	needRouter(t)
	r := start(t, shared(t), "num_init_children = 3\nreserved_connections = 1\n")
	r.connectSoon(t)
	r.connectSoon(t)
	e := refusal(t, r.dsn("postgres", "postgres"))
	want(t, "the code", e.Code, "53300")
	if !strings.Contains(e.Message+e.Detail, "reserved_connections") {
		t.Errorf("the limit is not named: %+v", e)
	}
}

// TestIdleLimit: a client that says nothing is sent away with the reason; one that works, or waits for an answer, is not.
func TestIdleLimit(t *testing.T) {
	needRouter(t)
	r := start(t, shared(t), "client_idle_limit = 1\n")
	idle, waits := r.raw(t), r.connect(t)
	done := make(chan error, 1)
	go func() { done <- waits.Exec(within(t), "SELECT pg_sleep(3)").Close() }()
	m, err := idle.Receive()
	if err != nil {
		t.Fatal(err)
	}
	e, ok := m.(*pgproto3.ErrorResponse)
	if !ok || e.Code != "57P05" && e.Code != "57000" || !strings.Contains(e.Message+e.Detail, "client_idle_limit") {
		t.Errorf("the idle client got %+v", m)
	}
	if _, err := idle.Receive(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("then it got %v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("the client that waited for an answer: %v", err)
	}
}

// TestRefusedLogins: the server's own words and codes come through.
func TestRefusedLogins(t *testing.T) {
	r := start(t, shared(t), "")
	for _, test := range []struct{ name, dsn, code string }{
		{"unknown database", r.dsn("nowhere", "postgres"), "3D000"},
		{"unknown user", r.dsn("postgres", "nobody"), "28000"},
		{"bad setting", r.dsn("postgres", "postgres") + " work_mem=many", "22023"},
		{"unknown setting", r.dsn("postgres", "postgres") + " no_such_setting=1", "42704"},
	} {
		want(t, test.name, refusal(t, test.dsn).Code, test.code)
	}
	simple(t, r.connect(t), "SELECT 1")
}

// TestStartupParameters go to the servers as they are, on both.
func TestStartupParameters(t *testing.T) {
	r := start(t, shared(t), reads)
	p := r.connect(t, "options='-c work_mem=3MB -c my.start=yes' application_name=one search_path=other")
	for _, where := range []string{"", " WHERE public.forced()"} {
		want(t, "work_mem", simple(t, p, "SELECT current_setting('work_mem')"+where), "3MB")
		want(t, "my.start", simple(t, p, "SELECT current_setting('my.start')"+where), "yes")
		want(t, "search_path", simple(t, p, "SELECT name FROM items"+where), "other 1")
		want(t, "application_name", simple(t, p, "SELECT current_setting('application_name')"+where), "one")
	}
	simple(t, p, "SET work_mem = '8MB'; RESET work_mem")
	want(t, "RESET goes back to the start", simple(t, p, "SHOW work_mem"), "3MB")
}

// TestPasswords lets clients in by pool_hba.conf and pool_passwd, to servers that ask for passwords themselves.
func TestPasswords(t *testing.T) {
	needRouter(t)
	c := newCluster(t, hba("host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n"))
	r := start(t, c, reads+"enable_pool_hba = on\npool_passwd = 'pool_passwd'\n",
		"pool_hba.conf", `
host all postgres 127.0.0.1/32 scram-sha-256
host all alice 127.0.0.1/32 md5
host postgres bob 127.0.0.1/32 password
host all bob 127.0.0.1/32 reject
`,
		"pool_passwd", "postgres:TEXTpostgres\nalice:TEXTwonder\nbob:TEXTbuilder\n")
	dsn := func(db, user, password string) string {
		return fmt.Sprintf("host=127.0.0.1 port=%d dbname=%s user=%s password=%s sslmode=disable", r.port, db, user, password)
	}
	for user, password := range map[string]string{"postgres": "postgres", "alice": "wonder", "bob": "builder"} {
		p, err := pgconn.Connect(within(t), dsn("postgres", user, password))
		if err != nil {
			t.Errorf("%s: %v", user, err)
			continue
		}
		want(t, "the user", simple(t, p, "SELECT current_user"), user)
		want(t, "the user on the primary", simple(t, p, "SELECT current_user WHERE forced()"), user)
		want(t, "the reader", c.server(simple(t, p, "SELECT node()")), "standby")
		p.Close(within(t))
		want(t, user+" with a wrong password", refusal(t, dsn("postgres", user, "wrong")).Code, "28P01")
	}
	want(t, "a user that is not there", refusal(t, dsn("postgres", "nobody", "x")).Code[:2], "28")
	want(t, "a rejected database", refusal(t, dsn("template1", "bob", "builder")).Code, "28000")
	if log := r.log.String(); strings.Contains(log, "wonder") || strings.Contains(log, "builder") {
		t.Error("a password is in the log")
	}
}

// TestUnixSocket: clients come in over the router's Unix socket.
func TestUnixSocket(t *testing.T) {
	r := start(t, shared(t), reads)
	if _, err := os.Stat(fmt.Sprintf("%s/.s.PGSQL.%d", r.dir, r.port)); err != nil {
		t.Fatal(err)
	}
	p, err := pgconn.Connect(within(t), fmt.Sprintf("host=%s port=%d dbname=postgres user=postgres", r.dir, r.port))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(within(t))
	want(t, "a read", simple(t, p, "SELECT name FROM items WHERE id = 1"), "item 1")
	want(t, "a write", simple(t, p, "CREATE TEMP TABLE u (i int); INSERT INTO u VALUES (3); SELECT i FROM u"), "3")
}

// TestRefusedClientsLeaveNothing: a client that finds no place leaves no connection to a server behind.
func TestRefusedClientsLeaveNothing(t *testing.T) {
	needRouter(t)
	c := shared(t)
	r := start(t, c, "num_init_children = 1\n")
	r.connectSoon(t)
	for range 20 {
		p, err := pgconn.Connect(within(t), r.dsn("postgres", "alice"))
		if err == nil {
			p.Close(within(t))
			t.Fatal("one more was let in")
		}
	}
	c.primary.Until(t, "SELECT count(*) <= 1 FROM pg_stat_activity WHERE usename = 'alice'", "t")
}
