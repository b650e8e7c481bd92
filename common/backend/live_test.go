package backend

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/certs/certtest"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/pgtest"
)

// folder holds a configuration for servers and the files that it names; lines are added to it.
func folder(t *testing.T, lines string, files map[string][]byte, servers ...*pgtest.Server) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for i, s := range servers {
		lines += fmt.Sprintf("\nbackend_hostname%d = '%s'\nbackend_port%[1]d = %[3]d\n", i, s.Host(), s.Port())
	}
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, text := range files {
		write(name, text)
	}
	c, err := config.Load(write("pgpool.conf", []byte(lines)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// secure are the options of a server with TLS.
func secure(t *testing.T, ca *tls.Certificate) []pgtest.Option {
	cert, key := certtest.Files(t, certtest.Issue(t, "server", ca))
	return []pgtest.Option{pgtest.Conf("ssl = on"), pgtest.File("server.crt", cert), pgtest.File("server.key", key)}
}

// A login takes TLS where a server has it, also when pgpool.conf has ssl = off, and does without where pg_hba.conf wants that.
func TestConnectWithTLS(t *testing.T) {
	ca, stranger := certtest.Issue(t, "authority", nil), certtest.Issue(t, "stranger", nil)
	own, key := certtest.Files(t, certtest.Issue(t, "own", &ca))
	files := map[string][]byte{"own.crt": own, "own.key": key,
		"ca.crt": certtest.PEM("CERTIFICATE", ca.Certificate[0]), "stranger.crt": certtest.PEM("CERTIFICATE", stranger.Certificate[0])}
	only := pgtest.Primary(t, append(secure(t, &ca), pgtest.HBA("hostssl all all all scram-sha-256"))...)
	never := pgtest.Primary(t, append(secure(t, &ca), pgtest.HBA("hostnossl all all all scram-sha-256"))...)
	none := pgtest.Primary(t, pgtest.HBA("host all all all scram-sha-256"))
	const on = "recovery_password = '" + pgtest.Password + "'\nssl = on\nssl_cert = own.crt\nssl_key = own.key\n"
	for _, c := range []struct {
		name, lines string
		server      *pgtest.Server
		want        string // of pg_stat_ssl.ssl, or in the error
	}{
		{"ssl is off", "recovery_password = '" + pgtest.Password + "'", only, "true"},
		{"ssl is on", on + "ssl_ca_cert = ca.crt", only, "true"},
		{"a stranger's server", on + "ssl_ca_cert = stranger.crt", only, "unknown authority"},
		{"TLS is barred", on, never, "false"},
		{"the server has none", on, none, "false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := Servers(folder(t, c.lines, files, c.server), "test")
			if err != nil {
				t.Fatal(err)
			}
			conn, err := list[0].Connect(t.Context())
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Error(err)
				}
				return
			}
			defer conn.Close(t.Context())
			var got bool
			if err := conn.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&got); err != nil || fmt.Sprint(got) != c.want {
				t.Errorf("ssl %v, %v", got, err)
			}
		})
	}
	if _, err := Servers(folder(t, on+"ssl_ca_cert = none.crt", files, only), "test"); err == nil || !strings.Contains(err.Error(), "ssl_ca_cert") {
		t.Errorf("an authority that cannot be read: %v", err)
	}
}

// The password of .pgpass is found by host, port and user.
func TestPasswordFile(t *testing.T) {
	p := pgtest.Primary(t, pgtest.HBA("host all all all scram-sha-256"))
	file := filepath.Join(t.TempDir(), ".pgpass")
	text := fmt.Sprintf("%s:%d:postgres:postgres:wrong\n%[1]s:%[3]d:postgres:postgres:%s\n*:*:*:*:wrong\n", p.Host(), p.Port()+1, p.Port(), pgtest.Password)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGPASSFILE", file)
	list, err := Servers(folder(t, "", nil, p), "test")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := list[0].Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close(t.Context())
}
