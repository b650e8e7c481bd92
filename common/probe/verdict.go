package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// A Verdict is what an attempt to talk to a server says of it.
type Verdict uint8

// The verdicts. Refused and Silent speak against the server; all others but Ours show that it lives.
const (
	Ours     Verdict = iota // the fault is this host's, or we gave up ourselves: it says nothing of the server
	Well                    // it answers
	Starting                // 57P03: in start-up or recovery
	Stopping                // it says that it shuts down
	Full                    // 53300: it takes no more connections
	Denied                  // it answers with another error: a wrong password, a missing database
	Refused                 // nothing listens, or the connection was reset
	Silent                  // no answer in time, or nothing there that could answer
)

// Judge reads the error of a login, a query or a Knocker.
//
// 57P03 is said by a server that starts and by one that stops. They differ in the text alone, which is only known in
// English; in other languages Judge says Starting.
func Judge(err error) Verdict {
	if err == nil {
		return Well
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return answer(pg)
	}
	if errors.Is(err, context.Canceled) || isAny(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.EADDRNOTAVAIL, syscall.EACCES) {
		return Ours
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		isAny(err, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENOENT) {
		return Refused
	}
	var op *net.OpError
	var timeout net.Error
	if errors.As(err, &op) && op.Op == "remote error" {
		return Denied // an alert of TLS
	}
	if errors.Is(err, context.DeadlineExceeded) || op != nil || errors.As(err, &timeout) && timeout.Timeout() {
		return Silent
	}
	// What is left was sent by the server and not understood or not accepted by us: a certificate, a method of
	// authentication that needs a password we lack.
	return Denied
}

func answer(pg *pgconn.PgError) Verdict {
	switch pg.Code {
	case "53300":
		return Full
	case "57P01": // admin shutdown, which pg_terminate_backend is too: the next login tells
		return Stopping
	case "57P02": // crash shutdown: recovery follows
		return Starting
	case "57P03":
		if strings.Contains(pg.Message, "shutting down") {
			return Stopping
		}
		return Starting
	}
	return Denied
}

func isAny(err error, codes ...syscall.Errno) bool {
	for _, code := range codes {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
