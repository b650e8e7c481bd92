package auth

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pgcrew/pgcrew/common/certs"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// tlsRecord is the first byte of a TLS handshake, which no startup packet can begin with.
const tlsRecord = 0x16

// enter goes through the packets that may come before the StartupMessage: each kind of encryption
// request once, in any order (protocol manual, "SSL Session Encryption").
func (g *guest) enter() (*Client, error) {
	asked := map[wire.StartupKind]bool{}
	for {
		var word [4]byte
		if n, err := io.ReadFull(g.conn, word[:]); err != nil {
			g.mute = n == 0
			if n == 0 && err == io.EOF && len(asked) == 0 {
				return nil, ErrSilent
			}
			return nil, fmt.Errorf("read startup packet: %w", err)
		}
		if word[0] == tlsRecord && len(asked) == 0 {
			if err := g.directTLS(word[:]); err != nil {
				return nil, err
			}
			asked[wire.KindSSL], asked[wire.KindGSSENC] = true, true
			continue
		}
		p, err := g.packet(word)
		if err != nil {
			return nil, err
		}
		switch {
		case p.Kind == wire.KindStartup:
			return g.session(p.Startup)
		case p.Kind == wire.KindCancel:
			return &Client{Conn: g.conn, TLS: g.tls, Cancel: p.Cancel}, nil
		case asked[p.Kind]:
			return nil, &Refusal{Code: codeProtocol, Message: "encryption requested a second time"}
		}
		asked[p.Kind] = true
		if p.Kind == wire.KindGSSENC || g.door.TLS == nil || g.local() {
			if _, err := g.conn.Write([]byte{'N'}); err != nil {
				return nil, fmt.Errorf("answer encryption request: %w", err)
			}
			continue
		}
		if _, err := g.conn.Write([]byte{'S'}); err != nil {
			return nil, fmt.Errorf("answer encryption request: %w", err)
		}
		if err := g.handshake(nil); err != nil {
			return nil, err
		}
		asked[wire.KindGSSENC] = true
	}
}

// packet reads what the length word announces, and not a byte more.
func (g *guest) packet(word [4]byte) (wire.StartupPacket, error) {
	n, err := wire.StartupLength(word)
	if err != nil {
		return wire.StartupPacket{}, refuseStartup(err)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(g.conn, body); err != nil {
		return wire.StartupPacket{}, fmt.Errorf("read startup packet of %d bytes: %w", n, err)
	}
	p, err := wire.DecodeStartup(body)
	if err != nil {
		return p, refuseStartup(err)
	}
	return p, nil
}

func refuseStartup(err error) error {
	var bad *wire.StartupError
	if errors.As(err, &bad) {
		return &Refusal{Code: bad.Code, Message: bad.Text}
	}
	return err
}

// directTLS is a client that saves the SSLRequest. It must name the protocol by ALPN, so that a web
// browser's bytes cannot be taken for a session (protocol manual, "SSL Session Encryption").
func (g *guest) directTLS(read []byte) error {
	g.mute = true
	if g.door.TLS == nil || g.local() {
		return errors.New("client begins with TLS, which is not offered here")
	}
	if err := g.handshake(read); err != nil {
		return err
	}
	if g.tls.NegotiatedProtocol != certs.ALPN {
		return &Refusal{Code: codeProtocol,
			Message: "received direct TLS connection request without ALPN protocol negotiation extension"}
	}
	return nil
}

func (g *guest) handshake(read []byte) error {
	g.mute = true
	under := g.raw
	if read != nil {
		under = &prefixConn{Conn: under, prefix: read}
	}
	if g.door.WrapTLS != nil {
		under = g.door.WrapTLS(under) // on top, where the router looks for it
	}
	conn := tls.Server(under, g.door.TLS)
	if err := conn.Handshake(); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	state := conn.ConnectionState()
	g.conn, g.tls, g.mute = conn, &state, false
	return nil
}

// session fills the Client from its StartupMessage and has it authenticated.
func (g *guest) session(s *wire.Startup) (*Client, error) {
	version, unknown, needed := s.Negotiate()
	if needed {
		if _, err := g.conn.Write(wire.AppendNegotiate(nil, version, unknown)); err != nil {
			return nil, fmt.Errorf("negotiate the protocol version: %w", err)
		}
	}
	c := &Client{Conn: g.conn, TLS: g.tls, Version: version}
	g.client = c
	c.User, _ = s.Param("user")
	if c.User == "" {
		return nil, &Refusal{Code: codeRejected, Message: "no PostgreSQL user name specified in startup packet"}
	}
	if c.Database, _ = s.Param("database"); c.Database == "" {
		c.Database = c.User
	}
	c.Replication, _ = s.Param("replication")
	for _, p := range s.Params {
		switch p[0] {
		case "user", "database", "replication":
			continue
		}
		if !strings.HasPrefix(p[0], "_pq_.") {
			c.Params = append(c.Params, p)
		}
	}
	if err := g.authenticate(); err != nil {
		if c.Server != nil {
			c.Server.discard()
		}
		return nil, err
	}
	return c, nil
}
