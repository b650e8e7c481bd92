package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pgcrew/pgcrew/common/hba"
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
