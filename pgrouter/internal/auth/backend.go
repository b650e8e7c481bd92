package auth

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/pgcrew/pgcrew/common/hba"
	"github.com/pgcrew/pgcrew/common/passwd"
)

// byBackend is enable_pool_hba = off: the client has to do what the backend asks for. The backend is
// asked with what is stored, and the client then proves by the backend's method that it knows the same.
func (g *guest) byBackend() error {
	secret, _ := g.door.Passwords.Lookup(g.client.User)
	g.client.Credential = NewCredential(g.door.Keys, secret)
	if g.door.Known != nil {
		if p, ok := g.door.Known(g.client); ok {
			if check := g.byPrecedent(p, secret); check != nil {
				return check()
			}
		}
	}
	err := g.dial()
	if err == nil {
		g.client.Method = g.client.Server.Method
		return g.prove(secret)
	}
	var asks *MethodError
	if !errors.As(err, &asks) {
		return err
	}
	// What is stored does not answer the question, which is as good as nothing.
	if _, ok := secret.SCRAM(); ok && asks.Method == hba.SCRAM {
		if err := g.scram(secret); err != nil {
			return err
		}
		return g.dial()
	}
	if asks.Method != hba.Password && !g.door.AllowClear {
		return err
	}
	given, err := g.askClear()
	if err != nil {
		return err
	}
	return g.judge(given)
}

// prove has the client answer the question that the backend asked us.
func (g *guest) prove(s passwd.Secret) error {
	switch g.client.Method {
	case hba.Trust:
		return nil
	case hba.Password:
		return g.password(s)
	case hba.MD5:
		return g.md5(s)
	default:
		return g.scram(s)
	}
}

// byPrecedent returns how the client proves what the backend has accepted before, or nil when the backend must be
// asked. Pgpool-II does the same for a client that gets a pooled connection.
func (g *guest) byPrecedent(p Precedent, s passwd.Secret) func() error {
	ours := g.client.Credential
	v, verifier := s.SCRAM()
	switch {
	case p.Method == hba.Trust, ours.Known() && ours.same(p.Credential),
		verifier && p.Method == hba.SCRAM && p.Credential.scram != nil && bytes.Equal(v.StoredKey, p.Credential.scram.stored):
		g.client.Method = p.Method
		return func() error { return g.prove(s) }
	case ours.clear == "" && p.Credential.clear != "" && (p.Method == hba.Password || g.door.AllowClear):
		return func() error { return g.repeat(p.Credential) }
	}
	return nil
}

// repeat has the client give the clear password that the backend has accepted. Another one may be its new one.
func (g *guest) repeat(accepted Credential) error {
	given, err := g.askClear()
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(accepted.clear)) != 1 {
		return g.judge(given)
	}
	g.client.Method, g.client.Credential = hba.Password, accepted
	return nil
}

// judge has the backend decide on a clear password.
func (g *guest) judge(given string) error {
	g.client.Method = hba.Password
	g.client.Credential = NewCredential(g.door.Keys, passwd.ClearSecret(given))
	return g.dial()
}

func (g *guest) dial() error {
	if g.door.Dial == nil {
		return &Refusal{Code: codeRejected, Message: fmt.Sprintf(
			"no backend to check the password of user %q with", g.client.User)}
	}
	server, err := g.door.Dial(g.ctx, g.client)
	if err != nil {
		return err
	}
	g.client.Server = server
	return nil
}
