package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestClientCertificates: a line with the method cert, or with clientcert, lets in who has a certificate for it, with
// libpq and with pgx, and nobody else.
func TestClientCertificates(t *testing.T) {
	needRouter(t)
	ca, other := newAuthority(t, "the clients' authority"), newAuthority(t, "another authority")
	files := []string{"pool_hba.conf", "hostssl all alice 127.0.0.1/32 cert\n" +
		"hostssl all bob 127.0.0.1/32 trust clientcert=verify-ca\n" +
		"hostssl all walter 127.0.0.1/32 trust clientcert=verify-full\n" +
		"host all postgres 127.0.0.1/32 trust\n"}
	keep := func(name string, by *authority, common string) {
		cert, key := by.issue(t, common)
		files = append(files, name+".crt", cert, name+".key", key)
	}
	keep("server", ca, "localhost")
	keep("alice", ca, "alice")
	keep("false", other, "alice")
	r := start(t, shared(t), "enable_pool_hba = on\nssl = on\nssl_cert = 'server.crt'\nssl_key = 'server.key'\nssl_ca_cert = 'ca.crt'\n",
		append(files, "ca.crt", ca.pem)...)

	const required = "connection requires a valid client certificate"
	for _, test := range []struct{ name, user, certificate, refused string }{
		{"cert", "alice", "alice", ""},
		{"cert, another name", "bob", "alice", ""}, // verify-ca does not look at the name
		{"cert, none", "alice", "", required},
		{"cert, another authority's", "alice", "false", "failed|alert"}, // in the words of the client's TLS library
		{"verify-ca, none", "bob", "", required},
		{"verify-full, another name", "walter", "alice", `certificate authentication failed for user "walter"`},
		{"no certificate wanted", "postgres", "alice", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := func(name string) string { return filepath.Join(r.dir, name) }
			dsn := fmt.Sprintf("host=localhost hostaddr=127.0.0.1 port=%d dbname=postgres user=%s sslmode=verify-full sslrootcert=%s",
				r.port, test.user, file("ca.crt"))
			own := " sslcert=/nowhere sslkey=/nowhere"
			if test.certificate != "" {
				own = fmt.Sprintf(" sslcert=%s sslkey=%s", file(test.certificate+".crt"), file(test.certificate+".key"))
			}
			cmd := r.command(t, "psql", "-XAt", dsn+own, "-c", "SELECT session_user")
			out, err := cmd.CombinedOutput()
			text := strings.TrimSpace(string(out))
			if test.refused == "" {
				want(t, "psql", text, test.user)
			} else if err == nil || !said(text, test.refused) {
				t.Errorf("psql: got %q, want %q", text, test.refused)
			}

			dsn = strings.Replace(dsn, " hostaddr=127.0.0.1", "", 1) // pgx does not know it
			if test.certificate != "" {
				dsn += own
			}
			c, err := pgconn.Connect(within(t), dsn)
			if err == nil {
				want(t, "pgx", simple(t, c, "SELECT session_user"), test.user)
				c.Close(within(t))
			}
			if (err == nil) != (test.refused == "") || err != nil && !said(err.Error(), test.refused) {
				t.Errorf("pgx: got %v, want %q", err, test.refused)
			}
		})
	}
	e := refusal(t, r.dsn("postgres", "alice"))
	want(t, "without TLS", e.Code, "28000")
}

// said looks for one of the words, between which a | is.
func said(text, words string) bool {
	return slices.ContainsFunc(strings.Split(words, "|"), func(w string) bool { return strings.Contains(text, w) })
}
