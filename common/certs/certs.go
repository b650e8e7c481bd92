// Package certs makes the TLS settings that the ssl_* parameters ask for: pgrouter's for its clients, and those of every tool
// for the servers that it logs in to.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pgcrew/pgcrew/common/config"
)

// ALPN is the name of PostgreSQL's protocol, which a client must offer when it begins with TLS directly.
const ALPN = "postgresql"

// Read makes what pgrouter needs of the ssl_* parameters: door for its clients, server for the sessions that it opens
// for them; both are nil when ssl is off. warn hears of what cannot be done as it is written. The error is config.Problems.
//
// With ssl_ca_cert a server's certificate must come from there. Its name is not compared: Pgpool-II
// does not either, and backends are often named by address.
func Read(c *config.Config, warn func(string)) (door, server *tls.Config, err error) {
	if !c.Bool("ssl") {
		return nil, nil, nil
	}
	m := &material{}
	if problems := append(m.readPair(c), m.readTrust(c, warn)...); len(problems) > 0 {
		return nil, nil, problems
	}
	if c.IsSet("ssl_ecdh_curve") { // its default would forbid the better curves that OpenSSL did not have then
		m.curves = curves(c.String("ssl_ecdh_curve"), warn)
	}
	return m.door(), m.server(), nil
}

// Prefer makes what a tool offers a server that it logs in to for itself, as libpq does by sslmode=prefer: it is for TLS also when
// ssl is off, because a server may demand it (hostssl in pg_hba.conf). With ssl on, certificates are checked and shown as
// by pgrouter. A certificate that cannot be read, as when only pgrouter's user may read ssl_key, is left out with a
// warning: few servers ask for one. The error is config.Problems.
func Prefer(c *config.Config, warn func(string)) (*tls.Config, error) {
	m := &material{}
	if !c.Bool("ssl") {
		return m.server(), nil
	}
	if problems := m.readTrust(c, warn); len(problems) > 0 {
		return nil, problems
	}
	for _, p := range m.readPair(c) {
		p.Text += "; servers are shown no certificate"
		warn(p.String())
	}
	return m.server(), nil
}

// material is what the files of the ssl_* parameters hold.
type material struct {
	own     []tls.Certificate
	roots   *x509.CertPool // nil: nobody is checked
	revoked *revocations   // nil: nothing is revoked
	suites  []uint16
	curves  []tls.CurveID
}

func (m *material) door() *tls.Config {
	t := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		Certificates:           m.own,
		NextProtos:             []string{ALPN},
		SessionTicketsDisabled: true, // as PostgreSQL does: no driver resumes sessions
		CipherSuites:           m.suites,
		CurvePreferences:       m.curves,
	}
	if m.roots != nil {
		t.ClientCAs, t.ClientAuth = m.roots, tls.VerifyClientCertIfGiven
		t.VerifyConnection = func(s tls.ConnectionState) error { return m.revoked.check(s.VerifiedChains) }
	}
	return t
}

func (m *material) server() *tls.Config {
	t := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // because of the name; verify does the rest
		Certificates:       m.own,
		CipherSuites:       m.suites,
	}
	if m.roots != nil {
		t.VerifyConnection = m.verify
	}
	return t
}

// wrong is a parameter whose file, or what it holds, cannot be used.
func wrong(c *config.Config, name string, err error) config.Problem {
	return c.Problem(name, fmt.Sprintf("%s = %q: %v", name, c.String(name), err), "")
}

// readPair reads our own certificate and its key.
func (m *material) readPair(c *config.Config) (problems config.Problems) {
	missing := func(name string) {
		problems = append(problems, c.Problem("ssl", "ssl is on and "+name+" is not set", "name a PEM file, or set ssl = off"))
	}
	var chain, key []byte
	var err error
	if file := c.String("ssl_cert"); file == "" {
		missing("ssl_cert")
	} else if chain, err = os.ReadFile(c.Beside(file)); err != nil {
		problems = append(problems, wrong(c, "ssl_cert", err))
	}
	if file := c.String("ssl_key"); file == "" {
		missing("ssl_key")
	} else if key, err = readPrivateKey(c.Beside(file), c.String("ssl_passphrase_command")); err != nil {
		problems = append(problems, wrong(c, "ssl_key", err))
	}
	if len(problems) > 0 {
		return problems
	}
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return config.Problems{wrong(c, "ssl_cert", err)}
	}
	m.own = []tls.Certificate{cert}
	return nil
}

// readTrust reads who is trusted, and with which ciphers.
func (m *material) readTrust(c *config.Config, warn func(string)) (problems config.Problems) {
	m.suites = cipherSuites(c.String("ssl_ciphers"), warn)
	var err error
	if m.roots, err = roots(c); err != nil {
		name := "ssl_ca_cert"
		if c.String(name) == "" {
			name = "ssl_ca_cert_dir"
		}
		problems = append(problems, wrong(c, name, err))
	}
	if file := c.String("ssl_crl_file"); file != "" {
		if m.revoked, err = readRevocations(c.Beside(file)); err != nil {
			problems = append(problems, wrong(c, "ssl_crl_file", err))
		}
	}
	return problems
}

// roots reads ssl_ca_cert and the files in ssl_ca_cert_dir.
func roots(c *config.Config) (*x509.CertPool, error) {
	var files []string
	if file := c.String("ssl_ca_cert"); file != "" {
		files = append(files, c.Beside(file))
	}
	if dir := c.String("ssl_ca_cert_dir"); dir != "" {
		entries, err := os.ReadDir(c.Beside(dir))
		if err != nil {
			return nil, fmt.Errorf("ssl_ca_cert_dir: %w", err)
		}
		for _, e := range entries {
			files = append(files, filepath.Join(c.Beside(dir), e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	pool, found := x509.NewCertPool(), false
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil && i == 0 && c.String("ssl_ca_cert") != "" {
			return nil, err
		}
		found = pool.AppendCertsFromPEM(text) || found
	}
	if !found {
		return nil, fmt.Errorf("no certificate in %s", strings.Join(files, ", "))
	}
	return pool, nil
}

// verify checks a server's certificate, but not its name.
func (m *material) verify(s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	chains, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: m.roots, Intermediates: between})
	if err != nil {
		return err
	}
	return m.revoked.check(chains)
}
