package link

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"time"
)

const (
	salt   = "pgcrew pgwatch wd_authkey" // the same on all nodes
	label  = "link ed25519 1"            // another use of wd_authkey has another label
	rounds = 100_000                     // about 20 ms at each start
)

// errKey is another wd_authkey on the other side.
var errKey = errors.New("its wd_authkey is not the one of this node")

// Derive returns the key of so many bytes for one use of wd_authkey (HKDF, RFC 5869). Each use has its own label.
//
// Who hears encrypted traffic or sees a certificate may try words against it; that is why a word is first stretched
// (PBKDF2, RFC 8018), and why wd_authkey should be long and random.
func Derive(wdAuthkey, label string, size int) ([]byte, error) {
	stretched, err := pbkdf2.Key(sha256.New, wdAuthkey, []byte(salt), rounds, sha256.Size)
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, stretched, nil, label, size)
}

// identity returns the TLS configuration of both sides of every connection.
//
// All nodes derive one Ed25519 key from wd_authkey and show a certificate with it, which TLS makes them prove. Nothing
// else in a certificate counts, so clocks do not matter. A server shows its certificate to anybody who calls.
func identity(wdAuthkey string) (*tls.Config, error) {
	seed, err := Derive(wdAuthkey, label, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)

	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}},
		ClientAuth:             tls.RequireAnyClientCert,
		InsecureSkipVerify:     true, // there are no names and no authorities to verify; VerifyConnection has the last word
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errKey
			}
			theirs, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
			if !ok || !bytes.Equal(theirs, public) {
				return errKey
			}
			return nil
		},
	}, nil
}
