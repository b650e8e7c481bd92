package promote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Server is a backend of the configuration and how to log in to it.
type Server struct {
	ID             int
	Host           string // a folder means its Unix socket there
	Port           int
	DataDirectory  string
	User, Password string   // of a superuser; an empty password leaves it to .pgpass and pg_hba.conf
	Sockets        []string // folders of Unix sockets to try first, when the server is on this host
}

// Addr is how messages name a server.
func (s Server) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// connectTimeout bounds one attempt. A host that is away must not use up the whole time.
const connectTimeout = 3 * time.Second

// connect logs in, by a Unix socket when there is one that leads to this server.
func (s Server) connect(ctx context.Context) (*pgx.Conn, error) {
	var errs []error
	for _, host := range append(s.Sockets[:len(s.Sockets):len(s.Sockets)], s.Host) {
		c, err := pgx.ParseConfig("dbname=postgres sslmode=prefer application_name=pgpromote")
		if err != nil {
			return nil, err
		}
		c.Host, c.Port, c.User, c.ConnectTimeout = host, uint16(s.Port), s.User, connectTimeout
		if s.Password != "" {
			c.Password = s.Password
		}
		for _, f := range c.Fallbacks {
			f.Host, f.Port = c.Host, c.Port
		}
		// Settings of a role must not delay or divert what is done here.
		c.RuntimeParams["statement_timeout"], c.RuntimeParams["lock_timeout"] = "0", "0"
		c.RuntimeParams["synchronous_commit"] = "local"
		c.DefaultQueryExecMode = pgx.QueryExecModeExec
		conn, err := pgx.ConnectConfig(ctx, c)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("log in to node %d (%s) as %s: %w", s.ID, s.Addr(), s.User, errors.Join(errs...))
}

// code returns the SQLSTATE of an error, or "".
func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
