package auth

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/pgcrew/pgcrew/common/hba"
)

// authenticate has the client prove who it is, as the first line that fits demands.
func (g *guest) authenticate() error {
	if g.door.HBA == nil {
		return g.byBackend()
	}
	c := g.client
	rule, ok := g.door.HBA.Match(g.ctx, hba.Conn{
		Local: g.local(), TLS: g.tls != nil, Addr: g.addr(), User: c.User, Database: c.Database,
	})
	if !ok || rule.Method == hba.Reject {
		return g.unlisted(rule)
	}
	if err := g.certificate(rule); err != nil {
		return err
	}
	c.Method = rule.Method
	secret, _ := g.door.Passwords.Lookup(c.User)
	c.Credential = NewCredential(g.door.Keys, secret)
	switch rule.Method {
	case hba.Trust, hba.Cert:
		return nil // a stored password still logs in to the server
	case hba.Password:
		return g.password(secret)
	case hba.MD5:
		return g.md5(secret)
	case hba.SCRAM:
		return g.scram(secret)
	}
	return fmt.Errorf("pool_hba.conf line %d: method %s has no code", rule.Line, rule.Method)
}

// addr returns the client's address; it is not valid for the Unix socket.
func (g *guest) addr() netip.Addr {
	ap, err := netip.ParseAddrPort(g.raw.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// unlisted says that no line lets the client in, with what would have to be in one.
func (g *guest) unlisted(rule *hba.Rule) error {
	host, tls := "[local]", "off"
	if !g.local() {
		host = g.addr().String()
	}
	if g.tls != nil {
		tls = "on"
	}
	text, cause := "no pool_hba.conf entry for", error(nil)
	if rule != nil {
		text, cause = "pool_hba.conf rejects connection for", fmt.Errorf("line %d", rule.Line)
	}
	return &Refusal{Code: codeRejected, Cause: cause, Message: fmt.Sprintf(
		"%s host %q, user %q, database %q, SSL %s", text, host, g.client.User, g.client.Database, tls)}
}

// certificate checks the client's certificate where the line asks for one.
func (g *guest) certificate(rule *hba.Rule) error {
	want, _ := rule.Option("clientcert")
	if rule.Method != hba.Cert && want == "" {
		return nil
	}
	if g.tls == nil || len(g.tls.VerifiedChains) == 0 {
		return &Refusal{Code: codeRejected, Message: "connection requires a valid client certificate"}
	}
	if rule.Method != hba.Cert && want != "verify-full" {
		return nil
	}
	if name := g.tls.PeerCertificates[0].Subject.CommonName; name != g.client.User {
		return &Refusal{Code: codeRejected,
			Message: fmt.Sprintf("certificate authentication failed for user %q", g.client.User),
			Cause:   fmt.Errorf("the certificate's common name is %q", name)}
	}
	return nil
}

// wrong is the one answer to every reason why a password does not do; the reason is for the log.
func (g *guest) wrong(reason string) error {
	return &Refusal{Code: codePassword, Cause: errors.New(reason),
		Message: fmt.Sprintf("password authentication failed for user %q", g.client.User)}
}

const (
	noEntry  = "no usable password in pool_passwd"
	mismatch = "password does not match"
)
