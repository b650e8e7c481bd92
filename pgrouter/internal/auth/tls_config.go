package auth

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

// TLSConfig makes what Door.TLS and Request.TLS need of the ssl_* parameters; both are nil when ssl is
// off. warn hears of what cannot be done as it is written. The error is config.Problems.
//
// With ssl_ca_cert a server's certificate must come from there. Its name is not compared: Pgpool-II
// does not either, and backends are often named by address.
func TLSConfig(c *config.Config, warn func(string)) (door, server *tls.Config, err error) {
	if !c.Bool("ssl") {
		return nil, nil, nil
	}
	m, err := readMaterial(c, warn)
	if err != nil {
		return nil, nil, err
	}
	door = &tls.Config{
		MinVersion:             tls.VersionTLS12,
		Certificates:           []tls.Certificate{m.cert},
		NextProtos:             []string{alpn},
		SessionTicketsDisabled: true, // as PostgreSQL does: no driver resumes sessions
		CipherSuites:           m.suites,
		CurvePreferences:       m.curves,
	}
	server = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // because of the name; verify does the rest
		Certificates:       []tls.Certificate{m.cert},
		CipherSuites:       m.suites,
	}
	if m.roots != nil {
		door.ClientCAs, door.ClientAuth = m.roots, tls.VerifyClientCertIfGiven
		door.VerifyConnection = func(s tls.ConnectionState) error { return m.revoked.check(s.VerifiedChains) }
		server.VerifyConnection = m.verify
	}
	return door, server, nil
}

// material is what the files of the ssl_* parameters hold.
type material struct {
	cert    tls.Certificate
	roots   *x509.CertPool // nil: nobody is checked
	revoked *revocations   // nil: nothing is revoked
	suites  []uint16
	curves  []tls.CurveID
}

func readMaterial(c *config.Config, warn func(string)) (*material, error) {
	var problems config.Problems
	fail := func(name string, err error) {
		problems = append(problems, c.Problem(name, fmt.Sprintf("%s = %q: %v", name, c.String(name), err), ""))
	}
	m := &material{}
	m.suites = cipherSuites(c.String("ssl_ciphers"), warn)
	if c.IsSet("ssl_ecdh_curve") { // its default would forbid the better curves that OpenSSL did not have then
		m.curves = curves(c.String("ssl_ecdh_curve"), warn)
	}
	missing := func(name string) {
		problems = append(problems, c.Problem("ssl", "ssl is on and "+name+" is not set", "name a PEM file, or set ssl = off"))
	}
	var chain, key []byte
	var err error
	if file := c.String("ssl_cert"); file == "" {
		missing("ssl_cert")
	} else if chain, err = os.ReadFile(c.Beside(file)); err != nil {
		fail("ssl_cert", err)
	}
	if file := c.String("ssl_key"); file == "" {
		missing("ssl_key")
	} else if key, err = readPrivateKey(c.Beside(file), c.String("ssl_passphrase_command")); err != nil {
		fail("ssl_key", err)
	}
	if len(problems) == 0 {
		if m.cert, err = tls.X509KeyPair(chain, key); err != nil {
			fail("ssl_cert", err)
		}
	}
	if m.roots, err = roots(c); err != nil {
		name := "ssl_ca_cert"
		if c.String(name) == "" {
			name = "ssl_ca_cert_dir"
		}
		fail(name, err)
	}
	if file := c.String("ssl_crl_file"); file != "" {
		if m.revoked, err = readRevocations(c.Beside(file)); err != nil {
			fail("ssl_crl_file", err)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return m, nil
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
