package check

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/pgrecover/internal/conninfo"
)

// A login is how a standby logs in to its primary.
type login struct{ conninfo.Conninfo }

func (l login) user() string { return l.Get("user") }

// loginLimit bounds one attempt.
const loginLimit = 3 * time.Second

// replicationLogins are the different ways in which the standbys log in, or that of recovery_user when there is none.
func replicationLogins(results []Result) []login {
	var all []login
	for _, r := range results {
		c, err := conninfo.Parse(r.conninfo)
		if !r.standby || err != nil || c.Get("user") == "" {
			continue
		}
		l := login{c.Only("user", "password", "passfile", "sslmode", "sslcert", "sslkey", "sslrootcert")}
		if !slices.ContainsFunc(all, func(o login) bool { return o.String() == l.String() }) {
			all = append(all, l)
		}
	}
	if len(all) == 0 {
		for _, r := range results[:min(1, len(results))] {
			l := login{conninfo.Conninfo{{Key: "user", Value: r.User}}}
			if r.Password != "" {
				l.Conninfo = l.With("password", r.Password)
			}
			all = append(all, l)
		}
	}
	return all
}

// try logs in to a server for replication. Files of a standby's host may not be here; then there is nothing to try.
func (l login) try(ctx context.Context, s backend.Server) error {
	for _, key := range []string{"passfile", "sslcert", "sslkey", "sslrootcert"} {
		if _, err := os.Stat(l.Get(key)); l.Get(key) != "" && err != nil {
			return nil
		}
	}
	c, err := pgconn.ParseConfig(l.To(s.Host, s.Port).String())
	if err != nil {
		return err
	}
	c.RuntimeParams["replication"] = "true"
	ctx, cancel := context.WithTimeout(ctx, loginLimit)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		var answer *pgconn.PgError
		if errors.As(err, &answer) {
			return errors.New(answer.Message) // pgconn's own words repeat address and user
		}
		return err
	}
	return conn.Close(ctx)
}
