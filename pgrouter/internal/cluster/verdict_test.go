package cluster

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
	server := func(code string) error { return fmt.Errorf("log in: %w", &pgconn.PgError{Code: code}) }
	network := func(errno syscall.Errno) error { return &net.OpError{Op: "dial", Err: errno} }
	for _, c := range []struct {
		name string
		err  error
		want condition
		ok   bool
	}{
		{"none", nil, alive, true},
		{"wrong password", server("28P01"), alive, true},
		{"too many", server("53300"), alive, true},
		{"no database", server("3D000"), alive, true},
		{"starting up", server("57P03"), starting, true},
		{"shutting down", server("57P01"), starting, true},
		{"refused", network(syscall.ECONNREFUSED), dead, true},
		{"no route", network(syscall.EHOSTUNREACH), dead, true},
		{"no socket", network(syscall.ENOENT), dead, true},
		{"reset", fmt.Errorf("x: %w", network(syscall.ECONNRESET)), dead, true},
		{"end of file", fmt.Errorf("x: %w", io.ErrUnexpectedEOF), dead, true},
		{"timeout", fmt.Errorf("x: %w", context.DeadlineExceeded), dead, true},
		{"name unknown", &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, dead, true},
		{"our own files are used up", network(syscall.EMFILE), unseen, false},
		{"our own ports are used up", network(syscall.EADDRNOTAVAIL), unseen, false},
		{"we gave up", fmt.Errorf("x: %w", context.Canceled), unseen, false},
		{"something it sent", errors.New("unknown authentication"), alive, true},
	} {
		if got, ok := judge(c.err); got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %t; want %d, %t", c.name, got, ok, c.want, c.ok)
		}
	}
}
