package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// sslRequest is the message of that name in PostgreSQL's chapter "Message Formats".
var sslRequest = []byte{0, 0, 0, 8, 4, 210, 22, 47}

// ask sends the first message of a new connection, and reads what comes for an answer, one byte at least.
func ask(ctx context.Context, c net.Conn, request, answer []byte) (n int, err error) {
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err = c.Write(request); err == nil {
		n, err = io.ReadAtLeast(c, answer, 1)
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return n, err
}

// Encrypt puts TLS on a new connection to a server that has it, and leaves it as it is with one that has not: libpq's
// sslmode=prefer. A server may have TLS and not want it from us, which Barred tells. On an error it returns c, which is then good for
// nothing but to be closed.
func Encrypt(ctx context.Context, c net.Conn, t *tls.Config) (net.Conn, error) {
	// Not a byte more: what somebody on the way put behind the answer must not count as said under TLS.
	answer := make([]byte, 1)
	_, err := ask(ctx, c, sslRequest, answer)
	switch {
	case err != nil:
		return c, fmt.Errorf("ask for TLS: %w", err)
	case answer[0] == 'N':
		return c, nil
	case answer[0] != 'S': // the beginning of an error
		return c, fmt.Errorf("the server answers %q when asked for TLS", answer[0])
	}
	secure := tls.Client(c, t)
	if err := secure.HandshakeContext(ctx); err != nil {
		return c, fmt.Errorf("TLS: %w", err)
	}
	return secure, nil
}

// Barred tells whether a login over TLS ended with an error that the same login without TLS may not meet: pg_hba.conf has no
// line for it, or one that rejects it (SQLSTATE 28000), which may be a line for TLS alone.
func Barred(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "28000"
}
