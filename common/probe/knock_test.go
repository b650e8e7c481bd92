package probe

import (
	"context"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// asked answers a knock as a server before version 12 does, with the error of one that cannot start a process, or not at
// all, and notes what it was asked for.
type asked struct {
	down, full bool
	gss        bool
}

func (a *asked) DialContext(context.Context, string, string) (net.Conn, error) {
	if a.down {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		b := pgproto3.NewBackend(theirs, theirs)
		m, err := b.ReceiveStartupMessage()
		if err != nil {
			return
		}
		switch _, a.gss = m.(*pgproto3.GSSEncRequest); {
		case a.full:
			theirs.Write([]byte("Ecould not fork new process for connection\x00"))
		case a.gss:
			b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "0A000", Message: "unsupported frontend protocol 1234.5680: server supports 2.0 to 3.0"})
			b.Flush()
		default:
			theirs.Write([]byte("N"))
		}
	}()
	return ours, nil
}

func TestAnOldServerLogsOneKnockOnly(t *testing.T) {
	a := &asked{full: true}
	k := Knocker{Login: Login{Limit: limit, Dialer: a}, Network: "tcp", Address: "192.0.2.1:5432"}
	knock := func(what string, gss bool) {
		t.Helper()
		if err := k.Knock(context.Background()); err != nil || a.gss != gss {
			t.Errorf("%s: asked for GSSAPI: %t, %v", what, a.gss, err)
		}
	}
	knock("it is full", true)
	a.full = false
	knock("it was full", true)
	knock("it knows no GSSENCRequest", false)
	knock("still", false)
	a.down = true
	if err := k.Knock(context.Background()); Judge(err) != Refused {
		t.Errorf("down: %v", err)
	}
	a.down = false
	knock("after a restart", true)
}
