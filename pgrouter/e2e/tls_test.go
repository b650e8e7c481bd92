package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// certificate makes a key and a certificate for localhost that is its own authority.
func certificate(t testing.TB) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// startTLS starts a router with a certificate of its own.
func startTLS(t testing.TB, c *cluster, lines string, files ...string) *router {
	t.Helper()
	cert, key := certificate(t)
	return start(t, c, lines+"ssl = on\nssl_cert = 'server.crt'\nssl_key = 'server.key'\n",
		append(files, "server.crt", cert, "server.key", key)...)
}

// TestTLS: libpq and pgx come in with each sslmode, and large results and statements go through.
func TestTLS(t *testing.T) {
	needRouter(t)
	r := startTLS(t, shared(t), reads)
	root := filepath.Join(r.dir, "server.crt")
	versions := []string{""}
	if pgtest.Major(t) >= 13 { // whose libpq can be told
		versions = append(versions, " ssl_min_protocol_version=TLSv1.2 ssl_max_protocol_version=TLSv1.2")
	}
	for _, mode := range []string{"disable", "prefer", "require", "verify-ca", "verify-full"} {
		for _, limits := range versions {
			dsn := fmt.Sprintf("host=localhost hostaddr=127.0.0.1 port=%d dbname=postgres user=postgres sslmode=%s%s", r.port, mode, limits)
			if strings.HasPrefix(mode, "verify") {
				dsn += " sslrootcert=" + root
			}
			out := output(t, r.command(t, "psql", "-XAt", dsn, "-c", "SELECT name FROM items WHERE id = 1",
				"-c", "SELECT count(*), sum(length(x)) FROM (SELECT repeat('x', 1000) x FROM generate_series(1, 100)) s",
				"-c", `\conninfo`))
			if !strings.HasPrefix(out, "item 1\n100|100000\n") {
				t.Errorf("%s: got %q", dsn, out)
			}
			// psql 18 says it by a table.
			if encrypted := strings.Contains(out, "SSL connection") || strings.Contains(out, "SSL Connection|true"); encrypted != (mode != "disable") {
				t.Errorf("%s: %q", dsn, out)
			}
		}
	}
	dsn := fmt.Sprintf("host=localhost port=%d dbname=postgres user=postgres sslmode=verify-full sslrootcert=%s", r.port, root)
	p, err := pgconn.Connect(within(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(within(t))
	for _, size := range []int{1, 16 << 10, 1 << 20, 20 << 20} {
		text := strings.Repeat("x", size)
		want(t, "what goes there", extended(t, p, "SELECT length($1)", text), fmt.Sprint(size))
		want(t, "and what comes back", fmt.Sprint(len(simple(t, p, fmt.Sprintf("SELECT repeat('x', %d)", size)))), fmt.Sprint(size))
	}
	simple(t, p, "CREATE TEMP TABLE t (x text)")
	if _, err := p.CopyFrom(within(t), strings.NewReader(strings.Repeat(strings.Repeat("y", 999)+"\n", 5000)), "COPY t FROM STDIN"); err != nil {
		t.Error(err)
	}
	want(t, "rows copied", simple(t, p, "SELECT count(*) FROM t"), "5000")
}

// TestTLSRefused: a client that demands TLS is not served without, and hostssl lines hold.
func TestTLSRefused(t *testing.T) {
	needRouter(t)
	plain := start(t, shared(t), "")
	dsn := "host=127.0.0.1 port=%d dbname=postgres user=postgres sslmode=%s"
	if c, err := pgconn.Connect(within(t), fmt.Sprintf(dsn, plain.port, "require")); err == nil {
		c.Close(within(t))
		t.Error("a router without a certificate has served TLS")
	}
	r := startTLS(t, shared(t), "enable_pool_hba = on\n", "pool_hba.conf", "hostssl all all 127.0.0.1/32 trust\n")
	want(t, "a client without TLS", refusal(t, fmt.Sprintf(dsn, r.port, "disable")).Code, "28000")
	c, err := pgconn.Connect(within(t), fmt.Sprintf(dsn, r.port, "require"))
	if err != nil {
		t.Fatal(err)
	}
	c.Close(within(t))
}

// TestTLSPgbench: many TLS clients at the same time.
func TestTLSPgbench(t *testing.T) {
	needRouter(t)
	if testing.Short() {
		t.Skip("-short")
	}
	r := startTLS(t, shared(t), spread)
	output(t, r.command(t, "pgbench", "-i", "-q", "-s", "1"))
	shared(t).sync(t)
	cmd := r.command(t, "pgbench", "-n", "-S", "-M", "prepared", "-c", "32", "-j", "2", "-T", "2")
	cmd.Env = append(cmd.Env, "PGSSLMODE=require")
	// Before version 15 pgbench ends with a status when one fails.
	if out := output(t, cmd); pgtest.Major(t) >= 15 && !strings.Contains(out, "number of failed transactions: 0") {
		t.Error(out)
	}
}
