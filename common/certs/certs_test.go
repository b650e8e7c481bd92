package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/certs/certtest"
	"github.com/pgcrew/pgcrew/common/config"
)

// patience is how long a test waits for what must happen; nothing is decided by it.
const patience = 30 * time.Second

// folder is where a configuration and its files are.
type folder struct {
	t   testing.TB
	dir string
}

func (f folder) write(name string, mode os.FileMode, text []byte) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		f.t.Fatal(err)
	}
	return path
}

func (f folder) pair(name string, c tls.Certificate) {
	f.t.Helper()
	cert, key := certtest.Files(f.t, c)
	f.write(name+".crt", 0o644, cert)
	f.write(name+".key", 0o600, key)
}

func (f folder) load(lines ...string) (door, server *tls.Config, warnings []string, err error) {
	f.t.Helper()
	c, err := config.Load(f.write("pgpool.conf", 0o600, []byte(strings.Join(lines, "\n")+"\n")))
	if err != nil {
		f.t.Fatal(err)
	}
	door, server, err = Read(c, func(w string) { warnings = append(warnings, w) })
	return
}

// shake lets both sides meet and returns their errors.
func shake(t testing.TB, door, visitor *tls.Config) (inside, outside error) {
	t.Helper()
	a, b := net.Pipe()
	a.SetDeadline(time.Now().Add(patience))
	done := make(chan error, 1)
	go func() {
		s := tls.Server(b, door)
		err := s.Handshake()
		b.SetDeadline(time.Now().Add(patience))
		s.Write([]byte{1})
		done <- err
	}()
	c := tls.Client(a, visitor)
	if outside = c.Handshake(); outside == nil {
		_, outside = c.Read(make([]byte, 1)) // in TLS 1.3 the client hears here that it was refused
	}
	a.Close()
	return <-done, outside
}

func TestProblems(t *testing.T) {
	f := folder{t, t.TempDir()}
	ca := certtest.Issue(t, "authority", nil)
	f.pair("a", certtest.Issue(t, "a", &ca))
	f.pair("b", certtest.Issue(t, "b", &ca))
	key, _ := os.ReadFile(filepath.Join(f.dir, "a.key"))
	f.write("open.key", 0o644, key)
	f.write("empty", 0o600, nil)
	if door, server, _, err := f.load("ssl = off", "ssl_cert = nonsense"); door != nil || server != nil || err != nil {
		t.Errorf("off: %v %v %v", door, server, err)
	}
	for want, lines := range map[string]string{
		"ssl is on and ssl_cert is not set (name a PEM file, or set ssl = off)": "",
		"ssl is on and ssl_key is not set":                                      "ssl_cert = 'a.crt'",
		`ssl_cert = "none.crt": open`:                                           "ssl_cert = 'none.crt'\nssl_key = 'a.key'",
		`ssl_cert = "a.crt": tls: private key does not`:                         "ssl_cert = 'a.crt'\nssl_key = 'b.key'",
		`ssl_key = "open.key": others have access`:                              "ssl_cert = 'a.crt'\nssl_key = 'open.key'",
		`ssl_ca_cert = "empty": no certificate`:                                 "ssl_cert = 'a.crt'\nssl_key = 'a.key'\nssl_ca_cert = 'empty'",
		`ssl_ca_cert = "none": open`:                                            "ssl_cert = 'a.crt'\nssl_key = 'a.key'\nssl_ca_cert = 'none'",
		`ssl_crl_file = "a.crt": no revocation list`:                            "ssl_cert = 'a.crt'\nssl_key = 'a.key'\nssl_crl_file = 'a.crt'",
		"ssl_cert = \"none.crt\": open |ssl_key = \"open.":                      "ssl_cert = 'none.crt'\nssl_key = 'open.key'",
	} {
		_, _, _, err := f.load("ssl = on", lines)
		for _, part := range strings.Split(want, "|") {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s\n%v\nwanted %s", lines, err, part)
			}
		}
	}
}

func TestRead(t *testing.T) {
	f := folder{t, t.TempDir()}
	ca, stranger := certtest.Issue(t, "authority", nil), certtest.Issue(t, "stranger", nil)
	f.pair("door", certtest.Issue(t, "door", &ca))
	f.write("ca.crt", 0o644, certtest.PEM("CERTIFICATE", ca.Certificate[0]))
	door, server, warnings, err := f.load("ssl = on", "ssl_cert = door.crt", "ssl_key = door.key", "ssl_ca_cert = ca.crt")
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	if inside, outside := shake(t, door, server); inside != nil || outside != nil {
		t.Errorf("own settings for both sides: %v, %v", inside, outside)
	}
	foreign := door.Clone()
	foreign.Certificates = []tls.Certificate{certtest.Issue(t, "door", &stranger)}
	if _, outside := shake(t, foreign, server); outside == nil {
		t.Error("a server with a stranger's certificate is accepted")
	}
	visitor := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certtest.Issue(t, "u", &stranger)}}
	visitor.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &visitor.Certificates[0], nil }
	if inside, _ := shake(t, door, visitor); inside == nil {
		t.Error("a client with a stranger's certificate is accepted")
	}
	if inside, outside := shake(t, door, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); inside == nil || outside == nil {
		t.Error("TLS 1.1 is spoken")
	}
	// Without authorities nobody is checked, and another folder's file is found by its full path.
	_, server, _, err = f.load("ssl = on", "ssl_cert = door.crt", "ssl_key = '"+filepath.Join(f.dir, "door.key")+"'")
	if err != nil {
		t.Fatal(err)
	}
	if inside, outside := shake(t, foreign, server); inside != nil || outside != nil {
		t.Errorf("without authorities: %v, %v", inside, outside)
	}
}

// What a tool offers a server never depends on its own key: only on whom it trusts.
func TestPrefer(t *testing.T) {
	f := folder{t, t.TempDir()}
	ca, stranger := certtest.Issue(t, "authority", nil), certtest.Issue(t, "stranger", nil)
	f.pair("own", certtest.Issue(t, "own", &ca))
	f.write("ca.crt", 0o644, certtest.PEM("CERTIFICATE", ca.Certificate[0]))
	at := func(signer *tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{certtest.Issue(t, "server", signer)}}
	}
	for lines, want := range map[string]struct {
		stranger       bool // a server that a stranger vouches for is accepted
		own            int  // certificates that it shows
		warning, wrong string
	}{
		"ssl = off\nssl_ca_cert = none":                                          {stranger: true},
		"ssl = on\nssl_cert = own.crt\nssl_key = own.key\nssl_ca_cert = ca.crt":  {own: 1},
		"ssl = on\nssl_cert = own.crt\nssl_key = none.key\nssl_ca_cert = ca.crt": {warning: "none.key: no such file or directory; servers are shown no certificate"},
		"ssl = on\nssl_cert = own.crt\nssl_key = own.key\nssl_ca_cert = none":    {wrong: `ssl_ca_cert = "none"`},
	} {
		c, err := config.Load(f.write("pgpool.conf", 0o600, []byte(lines+"\n")))
		if err != nil {
			t.Fatal(err)
		}
		var warnings []string
		got, err := Prefer(c, func(w string) { warnings = append(warnings, w) })
		if want.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), want.wrong) {
				t.Errorf("%s: %v", lines, err)
			}
			continue
		}
		if err != nil || len(got.Certificates) != want.own || !strings.Contains(strings.Join(warnings, "\n"), want.warning) || want.warning == "" && warnings != nil {
			t.Errorf("%s: %v, %d certificates, %q", lines, err, len(got.Certificates), warnings)
			continue
		}
		if _, outside := shake(t, at(&ca), got); outside != nil {
			t.Errorf("%s: our own authority's server: %v", lines, outside)
		}
		if _, outside := shake(t, at(&stranger), got); (outside == nil) != want.stranger {
			t.Errorf("%s: a stranger's server: %v", lines, outside)
		}
	}
}

func TestRevocation(t *testing.T) {
	f := folder{t, t.TempDir()}
	ca := certtest.Issue(t, "authority", nil)
	good, bad := certtest.Issue(t, "good", &ca), certtest.Issue(t, "bad", &ca)
	f.pair("door", certtest.Issue(t, "door", &ca))
	f.write("ca.crt", 0o644, certtest.PEM("CERTIFICATE", ca.Certificate[0]))
	list := func(until time.Duration) []byte {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number: big.NewInt(1), ThisUpdate: time.Now().Add(-2 * time.Hour), NextUpdate: time.Now().Add(until),
			RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: bad.Leaf.SerialNumber, RevocationTime: time.Now()}},
		}, ca.Leaf, ca.PrivateKey.(crypto.Signer))
		if err != nil {
			t.Fatal(err)
		}
		return certtest.PEM("X509 CRL", der)
	}
	present := func(c tls.Certificate) *tls.Config {
		return &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil }}
	}
	f.write("crl", 0o644, list(time.Hour))
	lines := []string{"ssl = on", "ssl_cert = door.crt", "ssl_key = door.key", "ssl_ca_cert = ca.crt", "ssl_crl_file = crl"}
	door, _, _, err := f.load(lines...)
	if err != nil {
		t.Fatal(err)
	}
	if inside, outside := shake(t, door, present(good)); inside != nil || outside != nil {
		t.Errorf("good: %v, %v", inside, outside)
	}
	if inside, _ := shake(t, door, present(bad)); inside == nil || !strings.Contains(inside.Error(), "it is revoked") {
		t.Errorf("revoked: %v", inside)
	}
	if inside, outside := shake(t, door, &tls.Config{InsecureSkipVerify: true}); inside != nil || outside != nil {
		t.Errorf("no certificate: %v, %v", inside, outside)
	}
	f.write("crl", 0o644, list(-time.Hour))
	if door, _, _, err = f.load(lines...); err != nil {
		t.Fatal(err)
	}
	if inside, _ := shake(t, door, present(good)); inside == nil || !strings.Contains(inside.Error(), "not valid now") {
		t.Errorf("with a list that is out of date: %v", inside)
	}
}

func TestEncryptedKeys(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	f := folder{t, t.TempDir()}
	f.pair("door", certtest.Issue(t, "door", nil))
	run := func(args ...string) {
		cmd := exec.Command(openssl, args...)
		cmd.Dir = f.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
		if err := os.Chmod(filepath.Join(f.dir, args[len(args)-1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, cipher := range []string{"aes-128-cbc", "aes-256-cbc"} {
		for _, prf := range []string{"hmacWithSHA1", "hmacWithSHA256", "hmacWithSHA512"} {
			run("pkcs8", "-topk8", "-in", "door.key", "-v2", cipher, "-v2prf", prf, "-passout", "pass:a b", "-out", cipher+prf)
			if _, _, _, err := f.load("ssl = on", "ssl_cert = door.crt", "ssl_key = "+cipher+prf, "ssl_passphrase_command = 'echo \"a b\"'"); err != nil {
				t.Errorf("%s %s: %v", cipher, prf, err)
			}
		}
	}
	run("ec", "-in", "door.key", "-aes128", "-passout", "pass:a b", "-out", "old")
	run("pkcs8", "-topk8", "-in", "door.key", "-v2", "des3", "-passout", "pass:a b", "-out", "des3")
	for _, c := range [][3]string{
		{"old", "echo a b", ""},
		{"old", "echo wrong", "decrypt the key"},
		{"aes-256-cbchmacWithSHA256", "echo wrong", "decrypt the key"},
		{"aes-256-cbchmacWithSHA256", "exit 3", "exit status 3"},
		{"aes-256-cbchmacWithSHA256", "", "ssl_passphrase_command is not set"},
		{"des3", "echo a b", "openssl pkcs8 -topk8"},
	} {
		_, _, _, err := f.load("ssl = on", "ssl_cert = door.crt", "ssl_key = "+c[0], "ssl_passphrase_command = '"+c[1]+"'")
		if (err == nil) != (c[2] == "") || err != nil && !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestCipherLists(t *testing.T) {
	const a, b = tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
	for list, want := range map[string]struct {
		suites   []uint16
		warnings int
	}{
		"HIGH:MEDIUM:+3DES:!aNULL":    {nil, 0},
		"":                            {nil, 1},
		"ECDHE-RSA-AES256-GCM-SHA384": {[]uint16{a}, 0},
		"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:!ECDHE-RSA-AES256-GCM-SHA384": {[]uint16{b}, 0},
		"ECDHE-RSA-AES256-GCM-SHA384:CAMELLIA256-SHA":                                            {[]uint16{a}, 1},
		"CAMELLIA256-SHA": {nil, 2},
		"HIGH:!SHA384":    {nil, 1},
		"ECDHE-RSA-AES256-GCM-SHA384:-ECDHE-RSA-AES256-GCM-SHA384": {nil, 1},
	} {
		var warnings []string
		got := cipherSuites(list, func(w string) { warnings = append(warnings, w) })
		if !slices.Equal(got, want.suites) || len(warnings) != want.warnings {
			t.Errorf("%q: %v, warnings %q", list, got, warnings)
		}
	}
	if got := cipherSuites("HIGH:!ECDHE-RSA-AES256-GCM-SHA384", func(w string) { t.Error(w) }); slices.Contains(got, a) || !slices.Contains(got, b) {
		t.Errorf("HIGH without one: %v", got)
	}
	var warnings []string
	if got := curves("prime256v1:X25519:sect571r1", func(w string) { warnings = append(warnings, w) }); len(got) != 2 || len(warnings) != 1 {
		t.Errorf("curves %v, %q", got, warnings)
	}
}

// sealed makes the structure of an encrypted key; what is inside is not a key.
func sealed(t testing.TB) []byte {
	t.Helper()
	marshal := func(v any) []byte {
		der, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	algorithm := func(oid string, params []byte) pkix.AlgorithmIdentifier {
		var id asn1.ObjectIdentifier
		for _, n := range strings.Split(oid, ".") {
			i, _ := strconv.Atoi(n)
			id = append(id, i)
		}
		return pkix.AlgorithmIdentifier{Algorithm: id, Parameters: asn1.RawValue{FullBytes: params}}
	}
	derivation := marshal(pbkdf2Params{Salt: []byte("salt"), Iterations: 2, PRF: algorithm("1.2.840.113549.2.9", []byte{5, 0})})
	encryption := marshal(make([]byte, 16))
	params := marshal(pbes2Params{algorithm(oidPBKDF2, derivation), algorithm("2.16.840.1.101.3.4.1.42", encryption)})
	return marshal(encryptedKey{algorithm(oidPBES2, params), make([]byte, 32)})
}

// FuzzDecryptPKCS8: no panic on any DER.
func FuzzDecryptPKCS8(f *testing.F) {
	f.Add([]byte{0x30, 0})
	f.Add(sealed(f))
	f.Fuzz(func(t *testing.T, der []byte) { decryptPKCS8(der, []byte("x")) })
}
