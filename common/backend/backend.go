// Package backend logs in to the servers of the configuration as recovery_user, for tools that change servers.
package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/certs"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/probe"
)

// A Server is a backend of the configuration and how to log in to it.
type Server struct {
	ID              int
	Host            string // a folder means its Unix socket there
	Port            int
	DataDirectory   string
	ApplicationName string      // backend_application_name, or ""
	User, Password  string      // of a superuser; an empty password leaves it to .pgpass and pg_hba.conf
	TLS             *tls.Config // for a server that has it; nil: none
	Sockets         []string    // folders of Unix sockets to try first, when the server is on this host
	Tool            string      // what the sessions call themselves
}

// Servers are all backends of a configuration, with the login of recovery_user and its password as in Pgpool-II:
// recovery_password, or what pool_passwd has for the user; "" leaves it to .pgpass. tool names the sessions.
func Servers(c *config.Config, tool string) ([]Server, error) {
	if len(c.Backends()) == 0 {
		return nil, fmt.Errorf("%s: no server is configured (set backend_hostname0 and backend_port0)", c.Path())
	}
	user := c.String("recovery_user")
	if user == "" {
		user = "postgres"
	}
	password, err := recoveryPassword(c, user)
	if err != nil {
		return nil, err
	}
	// What it warns of is said by the check of pgwatch and pgrouter.
	secure, err := certs.Prefer(c, func(string) {})
	if err != nil {
		return nil, err
	}
	var list []Server
	for _, b := range c.Backends() {
		list = append(list, Server{ID: b.ID, Host: b.Host, Port: b.Port, DataDirectory: b.DataDirectory,
			ApplicationName: b.ApplicationName, User: user, Password: password, TLS: secure, Tool: tool})
	}
	return list, nil
}

func recoveryPassword(c *config.Config, user string) (string, error) {
	key, _, err := passwd.FindKey("")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var entries *passwd.File
	if name := c.String("pool_passwd"); name != "" {
		if entries, err = passwd.Load(c.Beside(name), key); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return probe.Password(user, c.String("recovery_password"), entries, key), nil
}

// Local returns the server as one of this host: its Unix sockets are tried first.
func (s Server) Local() Server {
	s.Sockets = []string{"/var/run/postgresql", "/tmp"}
	return s
}

// Addr is how messages name a server.
func (s Server) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// connectTimeout bounds one attempt. A host that is away must not use up the whole time.
const connectTimeout = 3 * time.Second

// Connect logs in, by a Unix socket when there is one that leads to this server.
func (s Server) Connect(ctx context.Context) (*pgx.Conn, error) {
	var errs []error
	for _, host := range append(s.Sockets[:len(s.Sockets):len(s.Sockets)], s.Host) {
		secure := s.TLS
		if probe.IsFolder(host) {
			secure = nil
		}
		conn, err := s.login(ctx, host, secure)
		if secure != nil && probe.Barred(err) {
			conn, err = s.login(ctx, host, nil)
		}
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("log in to node %d (%s) as %s: %w", s.ID, s.Addr(), s.User, errors.Join(errs...))
}

func (s Server) login(ctx context.Context, host string, secure *tls.Config) (*pgx.Conn, error) {
	// Host and user must be in the text, because by them .pgpass is searched. TLS is put on the connection below, where it
	// costs a server without it no second one.
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace
	c, err := pgx.ParseConfig(fmt.Sprintf("host='%s' port=%d user='%s' dbname=postgres sslmode=disable application_name=%s",
		quote(host), s.Port, quote(s.User), s.Tool))
	if err != nil {
		return nil, err
	}
	c.ConnectTimeout = connectTimeout
	if s.Password != "" {
		c.Password = s.Password
	}
	if secure != nil {
		c.AfterNetConnect = func(ctx context.Context, _ *pgconn.Config, nc net.Conn) (net.Conn, error) {
			return probe.Encrypt(ctx, nc, secure)
		}
	}
	// Settings of a role must not delay or divert what is done here.
	c.RuntimeParams["statement_timeout"], c.RuntimeParams["lock_timeout"] = "0", "0"
	c.RuntimeParams["synchronous_commit"] = "local"
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	return pgx.ConnectConfig(ctx, c)
}

// Code returns the SQLSTATE of an error, or "".
func Code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
