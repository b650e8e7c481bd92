// Package stage lets the scripts of a Pgpool-II cluster make a standby, as Pgpool-II's online recovery does: the primary runs
// recovery_1st_stage_command and pgpool_remote_start, through the functions of the extension pgpool_recovery.
package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
)

// A Stage is one run. The server of the node must not run: the scripts remove its data directory.
type Stage struct {
	Node, To backend.Server
	Script   string        // recovery_1st_stage_command: a file in the primary's data directory
	Database string        // recovery_database; "" is template1 and then postgres, as Pgpool-II's manual has it
	Timeout  time.Duration // recovery_timeout: until the node streams, once it was started
	Journal  *step.Journal
}

// remoteStart is the name that the extension has for the second script.
const remoteStart = "pgpool_remote_start"

// Run returns when the node streams and replays. The scripts have no limit of time but ctx's, and go on when that ends, or when
// the node streams: the function that runs them cannot be interrupted. A later run is a follow.Refusal until they have ended.
func (s Stage) Run(ctx context.Context) error {
	if s.Script == "" || strings.HasPrefix(s.Script, "/") {
		return follow.Refusal{Why: fmt.Sprintf("recovery_1st_stage_command is %q", s.Script), Mend: "set it to the name of a script in the primary's data directory"}
	}
	conn, err := s.session(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	p := primary{Stage: s, conn: conn}
	defer p.unlock(ctx)
	for _, f := range []func(context.Context) error{p.super, p.lock, p.scripts, p.first} {
		if err := f(ctx); err != nil {
			return err
		}
	}
	return s.start(ctx, p)
}

// databases are where the extension is looked for.
func (s Stage) databases() []string {
	if s.Database != "" {
		return []string{s.Database}
	}
	return []string{"template1", "postgres"}
}

// Version 1.4 of the extension tells the first script the primary's host. A script that expects it would go wrong with
// 1.3, that of Pgpool-II 4.1, so that one counts only where there is no newer one to update it to.
const (
	updated = `(SELECT FROM pg_available_extension_versions WHERE name = 'pgpool_recovery' AND version::numeric >= 1.4)`
	full    = `to_regprocedure('pgpool_recovery(text, text, text, text, integer, text, text)') IS NOT NULL`

	extensionQuestion = `SELECT (` + full + ` OR to_regprocedure('pgpool_recovery(text, text, text, text, integer, text)') IS NOT NULL AND NOT EXISTS ` + updated + `)
		AND to_regprocedure('pgpool_remote_start(text, text)') IS NOT NULL`
)

// session logs in to the first database of the primary that has the extension.
func (s Stage) session(ctx context.Context) (*pgx.Conn, error) {
	first, err := s.To.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer first.Close(context.WithoutCancel(ctx))
	var errs []error
	for _, db := range s.databases() {
		conn, err := connect(ctx, first.Config(), db)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		var there bool
		err = conn.QueryRow(ctx, extensionQuestion).Scan(&there)
		if err == nil && there {
			return conn, nil
		}
		conn.Close(context.WithoutCancel(ctx))
		if err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("look for the extension pgpool_recovery on node %d (%s): %w", s.To.ID, s.To.Addr(), err)
	}
	return nil, s.noExtension(ctx, first)
}

// connect logs in to another database, for a session that sends no cancel request when ctx ends: PostgreSQL would interrupt
// the scripts by it, wherever they are.
func connect(ctx context.Context, c *pgx.ConnConfig, db string) (*pgx.Conn, error) {
	c = c.Copy()
	c.Database = db
	dial := c.DialFunc
	var connected atomic.Bool
	c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if connected.Load() {
			return nil, errors.New("what runs here is not cancelled")
		}
		return dial(ctx, network, addr)
	}
	conn, err := pgx.ConnectConfig(ctx, c)
	connected.Store(true)
	return conn, err
}

// noExtension says what to install, and what to type.
func (s Stage) noExtension(ctx context.Context, conn *pgx.Conn) error {
	var packaged bool
	var major int
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_available_extension_versions WHERE name = 'pgpool_recovery' AND version::numeric >= 1.3),
		current_setting('server_version_num')::int / 10000`).Scan(&packaged, &major)
	if err != nil {
		return fmt.Errorf("ask node %d (%s) for its extensions: %w", s.To.ID, s.To.Addr(), err)
	}
	mend := fmt.Sprintf(`psql -h %s -p %d -U %s %s -c "CREATE EXTENSION pgpool_recovery" (or ALTER EXTENSION pgpool_recovery UPDATE, when it is an old one)`,
		s.To.Host, s.To.Port, s.To.User, s.databases()[0])
	if !packaged {
		mend = fmt.Sprintf("install postgresql-%d-pgpool2 (Debian) or pgpool-II-pg%d-extensions (Red Hat) on every node, then %s", major, major, mend)
	}
	return follow.Refusal{Why: fmt.Sprintf("the extension pgpool_recovery is not in %s of node %d", strings.Join(s.databases(), " nor in "), s.To.ID), Mend: mend}
}

// hostName is what the scripts get for a host: for one that is a folder of Unix sockets, as in Pgpool-II, localhost.
func hostName(host string) string {
	if host == "" || strings.HasPrefix(host, "/") {
		return "localhost"
	}
	return host
}

// arguments are those of pgpool_recovery, as Pgpool-II's exec_recovery passes them. An old extension has not the last one.
func (s Stage) arguments() []any {
	return []any{s.Script, hostName(s.Node.Host), s.Node.DataDirectory, strconv.Itoa(s.To.Port), s.Node.ID, strconv.Itoa(s.Node.Port), hostName(s.To.Host)}
}
