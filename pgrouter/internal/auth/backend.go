package auth

import (
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
	err := g.dial()
	if err == nil {
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
	g.client.Method = g.client.Server.Method
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
