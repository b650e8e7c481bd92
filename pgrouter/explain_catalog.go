package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
)

// explainPatience is how long explain waits for one server.
const explainPatience = 5 * time.Second

// catalog reads the names of the database from the first server that answers.
func (e explainCmd) catalog(ctx context.Context, t *tool.Tool, c *config.Config, set route.CatalogSettings) (*route.Catalog, error) {
	backends := c.Backends()
	if len(backends) == 0 {
		return nil, errors.New("no server is configured to look names up on (backend_hostname0)")
	}
	user, password := e.login(c)
	database := e.Database
	if database == "" {
		database = c.String("sr_check_database")
	}
	var errs []error
	for _, b := range backends {
		catalog, err := readCatalog(ctx, b, user, password, database, set)
		if err == nil {
			return catalog, nil
		}
		errs = append(errs, fmt.Errorf("look names up on %s: %w", net.JoinHostPort(b.Host, strconv.Itoa(b.Port)), err))
	}
	return nil, errors.Join(errs...)
}

// login is who asks. An empty password leaves it to PGPASSWORD and .pgpass.
func (e explainCmd) login(c *config.Config) (user, password string) {
	user = e.User
	if user == "" {
		user = c.String("sr_check_user")
	}
	if user == "" {
		user = "postgres"
	}
	if user == c.String("sr_check_user") {
		password = c.String("sr_check_password")
	}
	if password == "" {
		f := files{config: c}
		if f.readPasswords() == nil {
			if secret, ok := f.passwords.Lookup(user); ok {
				password, _ = secret.Clear()
			}
		}
	}
	return user, password
}

// readCatalog logs in to one server and reads.
func readCatalog(ctx context.Context, b config.Backend, user, password, database string, set route.CatalogSettings) (*route.Catalog, error) {
	ctx, cancel := context.WithTimeout(ctx, explainPatience)
	defer cancel()
	settings, err := pgconn.ParseConfig("host=" + quoteParameter(b.Host) + " port=" + strconv.Itoa(b.Port) +
		" user=" + quoteParameter(user) + " dbname=" + quoteParameter(database) + " application_name=pgrouter")
	if err != nil {
		return nil, err
	}
	if password != "" {
		settings.Password = password
	}
	conn, err := pgconn.ConnectConfig(ctx, settings)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.Background())
	return route.Load(ctx, conn, set)
}

// quoteParameter quotes a value in a connection string.
func quoteParameter(s string) string {
	quoted := []byte{'\''}
	for i := range len(s) {
		if s[i] == '\'' || s[i] == '\\' {
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, s[i])
	}
	return string(append(quoted, '\''))
}
