package auth

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/xdg-go/scram"

	"github.com/pgcrew/pgcrew/common/hba"
	"github.com/pgcrew/pgcrew/common/passwd"
)

// Kinds of the authentication message that we answer (protocol manual, "Message Formats").
const (
	authOK           = 0
	authPassword     = 3
	authMD5          = 5
	authSASL         = 10
	authSASLContinue = 11
	authSASLFinal    = 12
)

// authName names the ones that we do not.
var authName = map[uint32]string{2: "Kerberos V5", 6: "SCM credentials", 7: "GSSAPI", 8: "GSSAPI", 9: "SSPI"}

func (l *login) authentication(body []byte) error {
	if l.ok || len(body) < 4 {
		return errors.New("server sent an authentication message out of place")
	}
	kind, data := binary.BigEndian.Uint32(body), body[4:]
	switch kind {
	case authOK:
		if l.scram != nil && !l.verified {
			return errors.New("server let us in before it proved that it knows the password's verifier")
		}
		l.ok = true
		return nil
	case authPassword:
		return l.password()
	case authMD5:
		return l.md5(data)
	case authSASL:
		return l.sasl(data)
	case authSASLContinue:
		return l.saslContinue(string(data))
	case authSASLFinal:
		if l.scram == nil {
			return errors.New("server sent SASLFinal without SASL")
		}
		l.verified = true
		return l.scram.verify(string(data))
	}
	return fmt.Errorf("server asks for authentication method %d %s, which is not supported", kind, authName[kind])
}

// lacks is the error for a question that the Credential has no answer to.
func (l *login) lacks(method hba.Method) error {
	have := "no password"
	switch c := l.req.Credential; {
	case c.clear != "":
		have = "a password"
	case c.md5 != "":
		have = "only an md5 hash"
	case c.scram != nil:
		have = "only a SCRAM verifier"
	}
	return &MethodError{User: l.req.User, Method: method, Have: have}
}

func (l *login) password() error {
	l.server.Method = hba.Password
	if l.req.Credential.clear == "" {
		return l.lacks(hba.Password)
	}
	return l.write(encode(&pgproto3.PasswordMessage{Password: l.req.Credential.clear}))
}

func (l *login) md5(salt []byte) error {
	l.server.Method = hba.MD5
	if len(salt) != 4 {
		return errors.New("server sent a malformed md5 challenge")
	}
	hash := l.req.Credential.md5hash(l.req.User)
	if hash == "" {
		return l.lacks(hba.MD5)
	}
	return l.write(encode(&pgproto3.PasswordMessage{Password: md5Answer(hash, salt)}))
}

func (l *login) sasl(list []byte) error {
	l.server.Method = hba.SCRAM
	if l.scram != nil {
		return errors.New("server began SASL a second time")
	}
	offered, err := mechanisms(list)
	if err != nil {
		return err
	}
	if l.req.Credential.clear == "" && l.req.Credential.scram == nil {
		return l.lacks(hba.SCRAM)
	}
	nonce := make([]byte, 18)
	if _, err := io.ReadFull(l.req.Credential.random(), nonce); err != nil {
		return fmt.Errorf("read random bytes: %w", err)
	}
	l.scram = &scramClient{credential: l.req.Credential, header: "n,,", nonce: base64.StdEncoding.EncodeToString(nonce)}
	chosen := mechanism
	if binding, ok := l.binding(); ok {
		l.scram.header = "y,," // we could, and say so: that unmasks who hides the server's offer
		if offered[mechanismPlus] {
			chosen = mechanismPlus
			l.scram.header, l.scram.binding = "p="+string(binding.Type)+",,", binding.Data
		}
	}
	if !offered[chosen] {
		return errors.New("server offers no SASL mechanism that is supported (SCRAM-SHA-256)")
	}
	return l.write(encode(&pgproto3.SASLInitialResponse{AuthMechanism: chosen, Data: []byte(l.scram.first())}))
}

// binding returns the hash of the server's certificate (RFC 5929, tls-server-end-point).
func (l *login) binding() (scram.ChannelBinding, bool) {
	if l.server.TLS == nil {
		return scram.ChannelBinding{}, false
	}
	b, err := scram.NewTLSServerEndpointBinding(l.server.TLS)
	return b, err == nil
}

func (l *login) saslContinue(serverFirst string) error {
	if l.scram == nil || l.scram.key != nil {
		return errors.New("server sent SASLContinue out of place")
	}
	final, err := l.scram.final(serverFirst)
	if errors.Is(err, errOtherKey) {
		return l.lacks(hba.SCRAM)
	}
	if err != nil {
		return fmt.Errorf("SCRAM: %w", err)
	}
	return l.write(encode(&pgproto3.SASLResponse{Data: []byte(final)}))
}

// mechanisms reads a list of strings that ends with an empty one.
func mechanisms(list []byte) (map[string]bool, error) {
	var m pgproto3.AuthenticationSASL
	if err := m.Decode(append([]byte{0, 0, 0, authSASL}, list...)); err != nil {
		return nil, fmt.Errorf("server sent a malformed list of SASL mechanisms: %w", err)
	}
	offered := map[string]bool{}
	for _, name := range m.AuthMechanisms {
		offered[name] = true
	}
	return offered, nil
}

// md5hash returns the user's md5 hash, stored or computed; "" if neither can be.
func (c Credential) md5hash(user string) string {
	if c.clear != "" {
		return passwd.HashMD5(user, c.clear)
	}
	return c.md5
}

// random returns the source of randomness that the credential came with.
func (c Credential) random() io.Reader {
	if c.keys == nil {
		return rand.Reader
	}
	return c.keys.random
}
