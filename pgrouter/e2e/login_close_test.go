package e2e

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// strict makes TLS on it tell an end without close_notify from one with it, as OpenSSL does and crypto/tls does not.
type strict struct{ net.Conn }

func (c strict) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == io.EOF {
		err = errors.New("the connection ended without close_notify")
	}
	return n, err
}

// strictly opens a TLS connection and asks for a database.
func (r *router) strictly(t *testing.T, database string) (*pgproto3.Frontend, net.Conn) {
	t.Helper()
	nc, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(limit))
	conn := tls.Client(strict{nc}, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"postgresql"}})
	f := pgproto3.NewFrontend(conn, conn)
	f.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30,
		Parameters: map[string]string{"user": "postgres", "database": database}})
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	return f, conn
}

// until reads messages until one of a type comes.
func until[M pgproto3.BackendMessage](t *testing.T, f *pgproto3.Frontend) M {
	t.Helper()
	for {
		m, err := f.Receive()
		if err != nil {
			t.Fatalf("before a %T: %v", *new(M), err)
		}
		if m, ok := m.(M); ok {
			return m
		}
	}
}

// TestTLSEnds: a client can tell that pgrouter has ended the connection, and nobody else: when it leaves, when it is
// refused, and when pgrouter stops.
func TestTLSEnds(t *testing.T) {
	needRouter(t)
	r := startTLS(t, shared(t), "")
	ends := func(what string, conn net.Conn) {
		t.Helper()
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("%s: %d bytes, %v; wanted the end", what, n, err)
		}
	}

	f, conn := r.strictly(t, "postgres")
	until[*pgproto3.ReadyForQuery](t, f)
	f.Send(&pgproto3.Terminate{})
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	ends("after Terminate", conn)

	f, conn = r.strictly(t, "no_such_database")
	want(t, "the refusal", until[*pgproto3.ErrorResponse](t, f).Code, "3D000")
	ends("after a refusal", conn)

	f, conn = r.strictly(t, "postgres")
	until[*pgproto3.ReadyForQuery](t, f)
	r.cmd.Process.Signal(syscall.SIGTERM)
	want(t, "the last word", until[*pgproto3.ErrorResponse](t, f).Code, "57P01")
	ends("after the last word", conn)
}
