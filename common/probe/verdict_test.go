package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestJudge(t *testing.T) {
	server := func(code, text string) error {
		return fmt.Errorf("log in: %w", &pgconn.PgError{Code: code, Message: text})
	}
	network := func(errno syscall.Errno) error { return &net.OpError{Op: "dial", Err: errno} }
	for _, c := range []struct {
		name string
		err  error
		want Verdict
	}{
		{"none", nil, Well},
		{"wrong password", server("28P01", ""), Denied},
		{"no database", server("3D000", ""), Denied},
		{"too many", server("53300", ""), Full},
		{"starting up", server("57P03", "the database system is starting up"), Starting},
		{"in recovery", server("57P03", "the database system is in recovery mode"), Starting},
		{"shutting down", server("57P03", "the database system is shutting down"), Stopping},
		{"shutting down, in a language unknown", server("57P03", "das Datenbanksystem fährt herunter"), Starting},
		{"our session was ended", server("57P01", ""), Stopping},
		{"another session crashed", server("57P02", ""), Starting},
		{"refused", network(syscall.ECONNREFUSED), Refused},
		{"no socket", network(syscall.ENOENT), Refused},
		{"reset", fmt.Errorf("x: %w", network(syscall.ECONNRESET)), Refused},
		{"end of file", fmt.Errorf("x: %w", io.ErrUnexpectedEOF), Refused},
		{"no route", network(syscall.EHOSTUNREACH), Silent},
		{"timeout", cause(fmt.Errorf("x: %w", context.DeadlineExceeded)), Silent},
		{"the kernel gave up", network(syscall.ETIMEDOUT), Silent},
		{"name unknown", &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, Silent},
		{"our own files are used up", network(syscall.EMFILE), Ours},
		{"our own ports are used up", network(syscall.EADDRNOTAVAIL), Ours},
		{"it accepts no certificate of ours", fmt.Errorf("TLS: %w", &net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")}), Denied},
		{"we gave up", fmt.Errorf("x: %w", context.Canceled), Ours},
		{"something it sent", errors.New("unknown authentication"), Denied},
	} {
		if got := Judge(c.err); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
