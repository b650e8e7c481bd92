package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// login is as whom and how we ask a server.
type login struct {
	user, password, database string
	dial                     time.Duration // limit of connecting; 0 is none of our own
	limit                    time.Duration // of connecting and logging in together, and of each query; 0 is none
	tls                      *tls.Config   // tried first when not nil; a server without TLS gets a plain connection
}

// conn is a logged-in connection of ours to a server.
type conn struct {
	*pgconn.PgConn
	raw    net.Conn
	method uint32 // the first authentication request of the server; 0 is trust
}

// connect dials and logs in. The error names the address, and wraps the server's answer or the network's.
func (l login) connect(ctx context.Context, network, address string) (*conn, error) {
	if l.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.limit)
		defer cancel()
	}
	c, err := l.once(ctx, network, address, l.tls)
	if l.tls != nil && err != nil && strings.Contains(err.Error(), "server refused TLS") {
		c, err = l.once(ctx, network, address, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("log in to %s as %s: %w", address, l.user, cause(err))
	}
	return c, nil
}

func (l login) once(ctx context.Context, network, address string, t *tls.Config) (*conn, error) {
	// The text only keeps libpq's environment variables and password file out; what matters is set below.
	cfg, err := pgconn.ParseConfig("host=localhost port=5432 user=x dbname=x sslmode=disable passfile=/dev/null target_session_attrs=any")
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		t = nil
	}
	c := &conn{}
	sniff := &sniffer{}
	cfg.User, cfg.Password, cfg.Database = l.user, l.password, l.database
	cfg.ConnectTimeout, cfg.Fallbacks, cfg.TLSConfig = 0, nil, t
	cfg.RuntimeParams = map[string]string{"application_name": "pgrouter"}
	cfg.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"localhost"}, nil }
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if c.raw != nil {
			// pgconn would dial again to cancel the query of a broken connection. Closing it does that too.
			return nil, net.ErrClosed
		}
		d := net.Dialer{Timeout: l.dial}
		raw, err := d.DialContext(ctx, network, address)
		if err == nil {
			c.raw = raw
		}
		return raw, err
	}
	cfg.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, nc net.Conn) (net.Conn, error) {
		sniff.Conn = nc
		return sniff, nil
	}
	c.PgConn, err = pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		if c.raw != nil {
			c.raw.Close()
		}
		return nil, err
	}
	c.method = sniff.method
	return c, nil
}

// close ends the connection without waiting for the server, and waits for what pgconn still does with it.
func (c *conn) close() {
	// A Terminate message keeps "unexpected EOF" out of the server's log; a full buffer must not hold us up.
	if !c.IsClosed() {
		c.raw.SetDeadline(time.Now().Add(100 * time.Millisecond))
		c.PgConn.Close(context.Background())
	}
	c.raw.Close()
	<-c.CleanupDone()
}

// rows runs SQL and returns the rows of its last result. limit bounds it, also when ctx does not.
func (c *conn) rows(ctx context.Context, limit time.Duration, sql string) ([][][]byte, error) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	results, err := c.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, cause(err)
	}
	if len(results) == 0 {
		return nil, nil
	}
	return results[len(results)-1].Rows, nil
}

// cause digs out of pgconn's errors what the server or the network said: they repeat address and user on every level.
func cause(err error) error {
	var pg *pgconn.PgError
	var op *net.OpError
	switch {
	case errors.As(err, &pg):
		return pg
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	case errors.As(err, &op):
		// Our own port is another one each time, and would make each error a new one in the log.
		return &net.OpError{Op: op.Op, Net: op.Net, Addr: op.Addr, Err: op.Err}
	default:
		return deepest(err)
	}
}

// deepest unwraps an error as far as it goes; of several that are joined it follows the last.
func deepest(err error) error {
	for {
		var next error
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			next = e.Unwrap()
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				next = all[len(all)-1]
			}
		}
		if next == nil {
			return err
		}
		err = next
	}
}

// sniffer notes the first authentication request that a server sends: byte R, four of length, four of the kind.
type sniffer struct {
	net.Conn
	head   [9]byte
	n      int
	method uint32
}

func (s *sniffer) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if n > 0 && s.n < len(s.head) {
		s.n += copy(s.head[s.n:], b[:n])
		if s.n == len(s.head) && s.head[0] == 'R' {
			s.method = uint32(s.head[5])<<24 | uint32(s.head[6])<<16 | uint32(s.head[7])<<8 | uint32(s.head[8])
		}
	}
	return n, err
}
