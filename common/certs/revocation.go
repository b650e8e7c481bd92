package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// revocations are the lists of ssl_crl_file.
type revocations struct {
	lists []*x509.RevocationList
	now   func() time.Time
}

func readRevocations(path string) (*revocations, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &revocations{now: time.Now}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, err
		}
		r.lists = append(r.lists, list)
	}
	if len(r.lists) == 0 {
		return nil, errors.New("no revocation list in PEM form")
	}
	return r, nil
}

// check refuses a chain with a revoked certificate, and, as OpenSSL does, one whose authority has no
// list here that is valid now. One good chain is enough; no chain at all is no certificate.
func (r *revocations) check(chains [][]*x509.Certificate) error {
	if r == nil || len(chains) == 0 {
		return nil
	}
	var err error
	for _, chain := range chains {
		if err = r.chain(chain); err == nil {
			return nil
		}
	}
	return err
}

func (r *revocations) chain(chain []*x509.Certificate) error {
	for i := 0; i+1 < len(chain); i++ {
		if err := r.one(chain[i], chain[i+1]); err != nil {
			return fmt.Errorf("certificate of %s: %w", chain[i].Subject, err)
		}
	}
	return nil
}

func (r *revocations) one(cert, issuer *x509.Certificate) error {
	err := errors.New("ssl_crl_file has no list of its issuer")
	now := r.now()
	for _, list := range r.lists {
		if !bytes.Equal(list.RawIssuer, cert.RawIssuer) || list.CheckSignatureFrom(issuer) != nil {
			continue
		}
		if now.Before(list.ThisUpdate) || !list.NextUpdate.IsZero() && now.After(list.NextUpdate) {
			err = fmt.Errorf("the revocation list of its issuer is not valid now (until %s)", list.NextUpdate)
			continue
		}
		for _, entry := range list.RevokedCertificateEntries {
			if entry.SerialNumber.Cmp(cert.SerialNumber) == 0 {
				return errors.New("it is revoked")
			}
		}
		err = nil
	}
	return err
}
