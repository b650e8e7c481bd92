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

// askTLS asks the server of a new connection whether it would speak TLS. Its answer is S, N, or the beginning of an error.
func askTLS(ctx context.Context, c net.Conn) (answer byte, err error) {
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	b := make([]byte, 1)
	if _, err = c.Write(sslRequest); err == nil {
		// Not a byte more: what somebody on the way put behind the answer must not count as said under TLS.
		_, err = io.ReadFull(c, b)
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return b[0], err
}

// Encrypt puts TLS on a new connection to a server that has it, and leaves it as it is with one that has not: libpq's
// sslmode=prefer. A server may have TLS and not want it from us, which Barred tells. On an error it returns c, which is then good for
// nothing but to be closed.
func Encrypt(ctx context.Context, c net.Conn, t *tls.Config) (net.Conn, error) {
	answer, err := askTLS(ctx, c)
	switch {
	case err != nil:
		return c, fmt.Errorf("ask for TLS: %w", err)
	case answer == 'N':
		return c, nil
	case answer != 'S':
		return c, fmt.Errorf("the server answers %q when asked for TLS", answer)
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
