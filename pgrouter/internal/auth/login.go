package auth

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/xdg-go/scram"

	"github.com/pgcrew/pgcrew/common/hba"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// Login opens a session on a connection that the caller dialed, up to the first ReadyForQuery.
//
// The errors are *ServerError for what the server answered, *MethodError when the Credential does not
// fit its question, and others wrapped for everything else. On an error the caller closes nc.
func Login(ctx context.Context, nc net.Conn, req Request) (*Server, error) {
	release := guard(ctx, nc)
	defer release()
	l := &login{req: req, conn: nc, server: &Server{Method: hba.Trust}}
	err := l.run()
	if err != nil {
		return nil, fmt.Errorf("log in to %s as %s: %w", nc.RemoteAddr(), req.User, because(ctx, err))
	}
	return l.server, nil
}

// discard ends a session that nobody wants.
func (s *Server) discard() {
	s.Conn.SetDeadline(time.Now().Add(farewell))
	s.Conn.Write([]byte{'X', 0, 0, 0, 4})
	s.Conn.Close()
}

// login is a session on its way to the first ReadyForQuery.
type login struct {
	req    Request
	conn   net.Conn
	server *Server
	in     frames

	scram    *scramClient
	verified bool // the server has proved itself by SCRAM
	ok       bool // AuthenticationOk has come
}

func (l *login) run() error {
	if l.req.TLS != nil {
		if err := l.encrypt(); err != nil {
			return err
		}
	}
	l.server.Conn, l.in.src = l.conn, l.conn
	if err := l.start(); err != nil {
		return err
	}
	for {
		typ, body, raw, err := l.in.next()
		if err != nil {
			return fmt.Errorf("read the server's answer: %w", err)
		}
		done, err := l.message(typ, body, raw)
		if err != nil {
			return err
		}
		if done {
			l.server.Rest = l.in.rest()
			return nil
		}
	}
}

// encrypt asks for TLS. The answer is read as the one byte it is: anything behind it would have been
// put there by somebody else and must not be taken for the server's.
func (l *login) encrypt() error {
	if _, err := l.conn.Write(wire.AppendSSLRequest(nil)); err != nil {
		return fmt.Errorf("ask for TLS: %w", err)
	}
	var answer [1]byte
	if _, err := io.ReadFull(l.conn, answer[:]); err != nil {
		return fmt.Errorf("ask for TLS: %w", err)
	}
	switch {
	case answer[0] == 'N' && l.req.Plain:
		return nil
	case answer[0] == 'N':
		return errors.New("ask for TLS: the server has none")
	case answer[0] != 'S':
		return fmt.Errorf("ask for TLS: the server answered %q", answer[0])
	}
	under := l.conn
	if l.req.WrapTLS != nil {
		under = l.req.WrapTLS(under)
	}
	conn := tls.Client(under, l.req.TLS)
	if err := conn.Handshake(); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	state := conn.ConnectionState()
	l.conn, l.server.TLS = conn, &state
	return nil
}

func (l *login) start() error {
	l.server.Version = l.req.Version
	if l.server.Version == 0 {
		l.server.Version = wire.Version30
	}
	s := &wire.Startup{Version: l.server.Version, Params: [][2]string{{"user", l.req.User}}}
	if l.req.Database != "" {
		s.Params = append(s.Params, [2]string{"database", l.req.Database})
	}
	s.Params = append(s.Params, l.req.Params...)
	packet, err := wire.AppendStartup(nil, s)
	if err != nil {
		return err
	}
	return l.write(packet)
}

func (l *login) write(b []byte) error {
	if _, err := l.conn.Write(b); err != nil {
		return fmt.Errorf("write to the server: %w", err)
	}
	return nil
}

// message acts on one message and says whether it was ReadyForQuery.
func (l *login) message(typ byte, body, raw []byte) (done bool, err error) {
	switch typ {
	case 'R':
		return false, l.authentication(body)
	case 'E':
		e := &ServerError{Raw: append([]byte(nil), raw...)}
		if err := e.Response.Decode(body); err != nil {
			return false, fmt.Errorf("server sent a malformed ErrorResponse: %w", err)
		}
		return false, e
	case 'N':
		l.server.Notices = append(l.server.Notices, raw...)
		if len(l.server.Notices) > maxLoginMessage {
			return false, fmt.Errorf("server sent more than %d bytes of notices during login", maxLoginMessage)
		}
		return false, nil
	case 'v':
		return false, l.negotiated(body)
	}
	if !l.ok {
		return false, fmt.Errorf("server sent a message of type %q before AuthenticationOk", typ)
	}
	switch typ {
	case 'S':
		var m pgproto3.ParameterStatus
		if err := m.Decode(body); err != nil {
			return false, fmt.Errorf("server sent a malformed ParameterStatus: %w", err)
		}
		l.server.Params = append(l.server.Params, [2]string{m.Name, m.Value})
		if len(l.server.Params) > 1000 {
			return false, errors.New("server sent more than 1000 ParameterStatus messages during login")
		}
		return false, nil
	case 'K':
		if len(body) < 4+wire.MinCancelKey || len(body) > 4+wire.MaxCancelKey {
			return false, fmt.Errorf("server sent a cancel key of %d bytes", len(body)-4)
		}
		l.server.PID = binary.BigEndian.Uint32(body)
		l.server.Secret = append([]byte(nil), body[4:]...)
		return false, nil
	case 'Z':
		if len(body) != 1 {
			return false, errors.New("server sent a malformed ReadyForQuery")
		}
		l.server.Status = body[0]
		return true, nil
	}
	return false, fmt.Errorf("server sent a message of type %q during login", typ)
}

// negotiated takes the version that an older server wants to speak.
func (l *login) negotiated(body []byte) error {
	var m pgproto3.NegotiateProtocolVersion
	if err := m.Decode(body); err != nil {
		return fmt.Errorf("server sent a malformed NegotiateProtocolVersion: %w", err)
	}
	if m.NewestMinorProtocol < wire.Version30 || m.NewestMinorProtocol > l.server.Version {
		return fmt.Errorf("server wants protocol %d.%d", m.NewestMinorProtocol>>16, m.NewestMinorProtocol&0xffff)
	}
	l.server.Version = m.NewestMinorProtocol
	return nil
}

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
