package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/freeport"
	"github.com/pgcrew/pgcrew/common/pgtest"
)

// secure is servers that let nobody in over TCP without TLS and a certificate of the authority.
func secure(t testing.TB, ca *authority) *cluster {
	t.Helper()
	cert, key := ca.issue(t, "localhost")
	c := newCluster(t, pgtest.Conf("ssl = on\nssl_ca_file = 'ca.crt'"),
		hba("host replication postgres 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 trust clientcert=verify-ca\nhostssl replication all 127.0.0.1/32 trust clientcert=verify-ca\n"),
		pgtest.File("server.crt", []byte(cert)), pgtest.File("server.key", []byte(key)), pgtest.File("ca.crt", []byte(ca.pem)))
	c.exec(t, "CREATE FUNCTION protocol() RETURNS text STABLE LANGUAGE sql AS "+
		"$$ SELECT version || ' ' || coalesce(client_dn, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl $$")
	return c
}

// serverTLS is the configuration with which pgrouter talks TLS to such servers, and the files that it names.
func serverTLS(t testing.TB, ca *authority) (lines string, files []string) {
	t.Helper()
	cert, key := ca.issue(t, "pgrouter")
	return "ssl = on\nssl_cert = 'router.crt'\nssl_key = 'router.key'\nssl_ca_cert = 'ca.crt'\n",
		[]string{"router.crt", cert, "router.key", key, "ca.crt", ca.pem}
}

// TestServerTLS: all that goes on between pgrouter and its servers goes over TLS when ssl is on, and the servers see
// pgrouter's certificate.
func TestServerTLS(t *testing.T) {
	needRouter(t)
	ca := newAuthority(t, "the servers' authority")
	c := secure(t, ca)
	if _, err := pgconn.Connect(within(t), c.primary.ConnString("postgres", "postgres")); code(err) != "28000" {
		t.Fatalf("the servers let in who has no TLS: %v", err)
	}
	lines, files := serverTLS(t, ca)
	r := start(t, c, lines+reads, files...)
	p := r.connect(t)
	const protocol = "TLSv1.3 /CN=pgrouter"
	want(t, "to the primary", simple(t, p, "SELECT protocol() WHERE forced()"), protocol)
	want(t, "the reader", c.server(simple(t, p, "SELECT node()")), "standby")
	for _, server := range []*pgtest.Server{c.primary, c.standby} {
		want(t, "connections to "+server.Name(), server.Query1(t, "SELECT DISTINCT version || ' ' || client_dn FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "+
			"WHERE client_port > 0 AND backend_type = 'client backend'"), protocol)
		want(t, "other connections to "+server.Name(), server.Query1(t, "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "+
			"WHERE client_port > 0 AND backend_type = 'client backend' AND NOT ssl"), "0")
	}
	want(t, "of a client with TLS", r.psqlTLS(t, "SELECT protocol() WHERE forced()"), protocol+"\n")

	for _, size := range []int{1, 16 << 10, 1 << 20, 20 << 20} {
		text := strings.Repeat("x", size)
		want(t, "what goes there", extended(t, p, "SELECT length($1) WHERE forced()", text), fmt.Sprint(size))
		want(t, "and what comes back", fmt.Sprint(len(simple(t, p, fmt.Sprintf("SELECT repeat('x', %d)", size)))), fmt.Sprint(size))
	}
	simple(t, p, "CREATE TEMP TABLE t (x text)")
	text := bytes.Repeat([]byte(strings.Repeat("y", 999)+"\n"), 5000)
	if _, err := p.CopyFrom(within(t), bytes.NewReader(text), "COPY t FROM STDIN"); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if _, err := p.CopyTo(within(t), &out, "COPY t TO STDOUT"); err != nil || !bytes.Equal(out.Bytes(), text) {
		t.Errorf("copied out: %d bytes of %d, %v", out.Len(), len(text), err)
	}

	s := r.raw(t)
	s.send(t, query("SELECT pg_sleep(100), forced()"))
	c.running(t, "SELECT pg_sleep(100), forced()")
	r.cancel(t, s.pid, s.key)
	s.receive(t, "a cancel", "columns 2", "error 57014", "ready I")

	backup := t.TempDir()
	cmd := r.command(t, "pg_basebackup", "-U", "walter", "-D", filepath.Join(backup, "data"), "-X", "fetch", "-c", "fast")
	output(t, cmd)
	if _, err := os.Stat(filepath.Join(backup, "data", "PG_VERSION")); err != nil {
		t.Errorf("a backup over TLS: %v", err)
	}
	output(t, r.command(t, "pgbench", "-i", "-q", "-s", "1"))
	c.sync(t)
	load := output(t, r.command(t, "pgbench", "-n", "-M", "prepared", "-c", "16", "-j", "2", "-t", "50"))
	if pgtest.Major(t) >= 15 && !strings.Contains(load, "number of failed transactions: 0") {
		t.Error(load)
	}
}

// psqlTLS runs one statement in psql over TLS.
func (r *router) psqlTLS(t testing.TB, sql string) string {
	t.Helper()
	cmd := r.command(t, "psql", "-XAt", "-c", sql)
	cmd.Env = append(cmd.Env, "PGHOST=localhost", "PGHOSTADDR=127.0.0.1", "PGSSLMODE=verify-full", "PGSSLROOTCERT="+filepath.Join(r.dir, "ca.crt"))
	return output(t, cmd)
}

// TestServerTLSRestart: sessions outlive a restart of a server that they use over TLS.
func TestServerTLSRestart(t *testing.T) {
	needRouter(t)
	ca := newAuthority(t, "the servers' authority")
	c := secure(t, ca)
	lines, files := serverTLS(t, ca)
	r := start(t, c, lines+reads+"failover_wait = 60\n", files...)
	p := r.connect(t)
	simple(t, p, "SET my.own = 'mine'")
	want(t, "the reader", c.server(simple(t, p, "SELECT node()")), "standby")
	c.standby.Kill(t, syscall.SIGKILL)
	want(t, "the reader now", c.server(simple(t, p, "SELECT node()")), "primary")
	r.state(t, 1, "down")
	c.standby.Start(t)
	r.state(t, 1, "up")
	c.primary.Stop(t, pgtest.Fast)
	r.state(t, 0, "down")
	c.primary.Start(t)
	want(t, "a setting", simple(t, p, "SELECT current_setting('my.own') WHERE forced()"), "mine")
}

// TestServerNotTrusted: a server whose certificate is not of ssl_ca_cert gets no login of a client, and the log says why.
func TestServerNotTrusted(t *testing.T) {
	needRouter(t)
	ca, other := newAuthority(t, "the servers' authority"), newAuthority(t, "another authority")
	c := secure(t, ca)
	lines, files := serverTLS(t, ca)

	// From the start.
	r := &router{dir: t.TempDir(), port: freeport.Port(t)}
	for i := 0; i < len(files); i += 2 {
		r.write(t, files[i], files[i+1])
	}
	r.write(t, "ca.crt", other.pem)
	r.write(t, "pgpool.conf", r.conf(c, lines+"failover_wait = 1\n"))
	r.launch(t)
	r.saw(t, 0, "pgrouter serves")
	want(t, "a client", refusal(t, r.dsn("postgres", "postgres")).Code, "08006")
	r.saw(t, 0, `TLS handshake: x509: certificate signed by unknown authority`)
	r.stop(t)

	// And after a reload.
	r = start(t, c, lines+"failover_wait = 1\nchild_life_time = 1\n", files...)
	r.write(t, "ca.crt", other.pem)
	r.reload(t)
	want(t, "a login at a server that is trusted no more", refusal(t, r.dsn("postgres", "alice")).Code, "08006")
	r.write(t, "ca.crt", ca.pem)
	r.reload(t)
	simple(t, r.connect(t), "SELECT 1")
}

// reload makes pgrouter read its files again, and waits until it has.
func (r *router) reload(t testing.TB) {
	t.Helper()
	from := len(r.log.String())
	r.cmd.Process.Signal(syscall.SIGHUP)
	r.saw(t, from, "msg=reloaded")
}
