package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Login is as whom and how a server is asked.
type Login struct {
	User, Password, Database string
	Application              string        // application_name of the session
	Dial                     time.Duration // limit of connecting; 0 is none of our own
	Limit                    time.Duration // of connecting and logging in together, and of each query; 0 is none
	TLS                      *tls.Config   // nil: none; else as Encrypt does it, but never on a Unix socket
	Dialer                   Dialer        // nil: a net.Dialer
}

// A Dialer opens connections as net.Dialer does.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Connect dials and logs in. The error names the address, and wraps the server's answer or the network's; Judge reads it.
func (l Login) Connect(ctx context.Context, network, address string) (*Conn, error) {
	ctx, cancel := within(ctx, l.Limit)
	defer cancel()
	t := l.TLS
	if network == "unix" {
		t = nil
	}
	c, err := l.once(ctx, network, address, t)
	if t != nil && Barred(err) {
		c, err = l.once(ctx, network, address, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("log in to %s as %s: %w", address, l.User, cause(err))
	}
	return c, nil
}

func (l Login) once(ctx context.Context, network, address string, t *tls.Config) (*Conn, error) {
	// The text only keeps libpq's environment variables and password file out; what matters is set below.
	cfg, err := pgconn.ParseConfig("host=localhost port=5432 user=x dbname=x sslmode=disable passfile=/dev/null target_session_attrs=any")
	if err != nil {
		return nil, err
	}
	c := &Conn{limit: l.Limit}
	sniff := &sniffer{}
	cfg.User, cfg.Password, cfg.Database = l.User, l.Password, l.Database
	cfg.ConnectTimeout, cfg.Fallbacks = 0, nil
	cfg.RuntimeParams = map[string]string{"application_name": l.Application}
	cfg.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"localhost"}, nil }
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if c.raw != nil {
			// pgconn would dial again to cancel the query of a broken connection. Closing it does that too.
			return nil, net.ErrClosed
		}
		raw, err := l.dial(ctx, network, address)
		if err == nil {
			c.raw = raw
		}
		return raw, err
	}
	cfg.AfterNetConnect = func(ctx context.Context, _ *pgconn.Config, nc net.Conn) (net.Conn, error) {
		if t != nil {
			var err error
			if nc, err = Encrypt(ctx, nc, t); err != nil {
				return nc, err
			}
		}
		sniff.Conn = nc
		return sniff, nil
	}
	c.pg, err = pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		if c.raw != nil {
			c.raw.Close()
		}
		return nil, err
	}
	c.Method = sniff.method
	return c, nil
}

func (l Login) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := within(ctx, l.Dial)
	defer cancel()
	if l.Dialer != nil {
		return l.Dialer.DialContext(ctx, network, address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// within bounds ctx by a limit; 0 is none.
func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
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
