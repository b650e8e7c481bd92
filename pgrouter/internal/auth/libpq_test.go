package auth

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/certs/certtest"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// psql runs one statement through the gate with libpq and returns its output, or what it complains of.
func (g *gate) psql(user, password, options, sql string) string {
	host, port, _ := net.SplitHostPort(g.listen.Addr().String())
	conninfo := fmt.Sprintf("host=localhost hostaddr=%s port=%s user=%s dbname=postgres %s", host, port, user, options)
	cmd := exec.CommandContext(g.ctx, filepath.Join(pgtest.Bin(g.t), "psql"), "-XAtwc", sql, conninfo)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password, "PGCLIENTENCODING=UTF8", "LC_MESSAGES=C", "HOME="+g.t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "psql: " + string(out)
	}
	return strings.TrimSpace(string(out))
}

// TestSASLprep: passwords that change when they are normalized, and such that may not be, do at both
// ends. libpq normalizes as the server does; not every driver does.
func TestSASLprep(t *testing.T) {
	server := pgtest.Primary(t, pgtest.HBA("host all all all scram-sha-256"))
	for i, password := range []string{"pass\u00a0word \u2168", "\u00adsoft", "тест пароль", "a\u0627\u0031b", "caf\u0065\u0301"} {
		user := fmt.Sprintf("u%d", i)
		server.Exec(t, fmt.Sprintf("create role %s login password '%s'", user, password))
		g := newGate(t, server)
		g.open(&Door{HBA: rules(t, "host all all all scram-sha-256"), Passwords: passwords(t, user+":TEXT"+password), Keys: newKeys(t)})
		if got := g.psql(user, password, "", "select current_user"); got != user {
			t.Errorf("password %q: %s", password, got)
		}
	}
}

// TestChannelBinding has libpq insist on it at the door, and the door use it at a real server.
func TestChannelBinding(t *testing.T) {
	if pgtest.Major(t) < 13 {
		t.Skip("libpq before PostgreSQL 13 cannot be told to insist on channel binding")
	}
	ca := certtest.Issue(t, "authority", nil)
	cert := certtest.Issue(t, "server", &ca)
	chain, key := certtest.Files(t, cert)
	server := pgtest.Primary(t, pgtest.HBA("hostssl all all all scram-sha-256"),
		pgtest.File("server.crt", chain), pgtest.File("server.key", key),
		pgtest.Conf("ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'"))
	door, _ := offer(t)
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	g := newGate(t, server)
	g.secure = &tls.Config{RootCAs: pool, ServerName: "localhost"}
	g.open(&Door{HBA: rules(t, "hostssl all all all scram-sha-256"), Passwords: passwords(t, "postgres:"+pgtest.Password),
		TLS: door, Keys: newKeys(t)})
	sql := "select count(*) from pg_stat_ssl where pid = pg_backend_pid() and ssl"
	for _, options := range []string{"sslmode=require channel_binding=require", "sslmode=require channel_binding=disable"} {
		if got := g.psql("postgres", pgtest.Password, options, sql); got != "1" {
			t.Errorf("%s: %s", options, got)
		}
	}
	if got := g.psql("postgres", "wrong", "sslmode=require channel_binding=require", sql); !strings.Contains(got, "password authentication failed") {
		t.Errorf("wrong password: %s", got)
	}
	if got := g.psql("postgres", pgtest.Password, "sslmode=disable", sql); !strings.Contains(got, "no pool_hba.conf entry") {
		t.Errorf("without TLS: %s", got)
	}
	// A verifier is bound to the certificate in the same way; its ClientKey logs in to the server.
	stored := server.Query1(t, "select rolpassword from pg_authid where rolname = 'postgres'")
	g.open(&Door{HBA: rules(t, "hostssl all all all scram-sha-256"), Passwords: passwords(t, "postgres:"+stored), TLS: door, Keys: newKeys(t)})
	if got := g.psql("postgres", pgtest.Password, "sslmode=require channel_binding=require", sql); got != "1" {
		t.Errorf("verifier in pool_passwd: %s", got)
	}
}

// TestPlainServer: a server without TLS is an error unless that is allowed.
func TestPlainServer(t *testing.T) {
	server := pgtest.Primary(t)
	try := func(req Request) (*Server, error) {
		nc, err := net.Dial("tcp", server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		req.User, req.Database, req.TLS = "postgres", "postgres", &tls.Config{InsecureSkipVerify: true}
		return Login(t.Context(), nc, req)
	}
	if _, err := try(Request{}); err == nil || !strings.Contains(err.Error(), "the server has none") {
		t.Errorf("error %v", err)
	}
	// An older server lowers the version, and a newer one keeps it.
	s, err := try(Request{Plain: true, Version: wire.Version32, Params: [][2]string{{"application_name", "me"}}})
	if err != nil || s.TLS != nil || s.PID == 0 || s.Status != 'I' || len(s.Rest) != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	want := wire.Version30
	if pgtest.Major(t) >= 18 {
		want = wire.Version32
	}
	if s.Version != want || want == wire.Version30 && len(s.Secret) != 4 {
		t.Errorf("version %x, key of %d bytes", s.Version, len(s.Secret))
	}
	values := map[string]string{}
	for _, p := range s.Params {
		values[p[0]] = p[1]
	}
	if values["application_name"] != "me" || values["server_version"] == "" {
		t.Errorf("parameters %v", s.Params)
	}
}
