package cluster

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// condition is what an attempt to talk to a server says of it.
type condition uint8

const (
	unseen   condition = iota // nothing is known
	alive                     // it answers, with rows or with an error of its own
	starting                  // it answers that it takes no sessions now: starting up, recovering or shutting down
	dead                      // it does not answer
)

// judge reads the error of a login or a query. ok is false when the error says nothing of the server, because the
// fault is this host's or we gave up ourselves.
//
// A server that refuses us alone, for a wrong password, a missing database or too many connections, lives.
func judge(err error) (c condition, ok bool) {
	if err == nil {
		return alive, true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "57P01", "57P02", "57P03": // admin shutdown, crash shutdown, cannot connect now
			return starting, true
		}
		return alive, true
	}
	if errors.Is(err, context.Canceled) {
		return unseen, false
	}
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EACCES} {
		if errors.Is(err, e) {
			return unseen, false
		}
	}
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, context.DeadlineExceeded), errors.As(err, &op),
		errors.As(err, &timeout) && timeout.Timeout():
		return dead, true
	}
	// What is left was sent by the server and not understood or not accepted by us: a certificate, a method of
	// authentication that needs a password we lack.
	return alive, true
}
