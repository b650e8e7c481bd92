package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// dsn is a connection string to the router over TCP without TLS.
func (r *router) dsn(db, user string) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d dbname=%s user=%s password=postgres sslmode=disable", r.port, db, user)
}

// within is a context for one test's conversation.
func within(t testing.TB) context.Context { return patient(t, limit) }

// patient is within for what may take longer.
func patient(t testing.TB, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// connect opens a session with a driver of low level. More settings may follow in the form of a connection string.
func (r *router) connect(t testing.TB, more ...string) *pgconn.PgConn {
	t.Helper()
	c, err := pgconn.Connect(within(t), r.dsn("postgres", "postgres")+" "+strings.Join(more, " "))
	if err != nil {
		t.Fatalf("connect through pgrouter: %v", err)
	}
	t.Cleanup(func() { c.Close(within(t)) })
	return c
}

// pgx opens a session with pgx in its default mode: extended protocol, cached prepared statements, binary results.
func (r *router) pgx(t testing.TB, more ...string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(within(t), r.dsn("postgres", "postgres")+" "+strings.Join(more, " "))
	if err != nil {
		t.Fatalf("connect through pgrouter: %v", err)
	}
	t.Cleanup(func() { c.Close(within(t)) })
	return c
}

// simple runs statements in the simple protocol and returns the last result's first value; it ends the test on an error.
func simple(t testing.TB, c *pgconn.PgConn, sql string) string {
	t.Helper()
	v, err := try(t, c, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// try is simple for statements that may fail.
func try(t testing.TB, c *pgconn.PgConn, sql string) (string, error) {
	t.Helper()
	results, err := c.Exec(within(t), sql).ReadAll()
	if err != nil {
		return "", err
	}
	for i := len(results) - 1; i >= 0; i-- {
		if rows := results[i].Rows; len(rows) > 0 {
			return string(rows[0][0]), nil
		}
	}
	return "", nil
}

// extended runs one statement in the extended protocol, unnamed, and returns the first value.
func extended(t testing.TB, c *pgconn.PgConn, sql string, args ...string) string {
	t.Helper()
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	r := c.ExecParams(within(t), sql, values, nil, nil, nil).Read()
	if r.Err != nil {
		t.Fatalf("%s: %v", sql, r.Err)
	}
	if len(r.Rows) == 0 {
		return ""
	}
	return string(r.Rows[0][0])
}

// code is the SQLSTATE of an error, or what else went wrong.
func code(err error) string {
	var e *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	}
	return err.Error()
}

// want compares, and names what was asked.
func want(t testing.TB, what, got, wanted string) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s: got %q, want %q", what, got, wanted)
	}
}

// command runs a client program against the router, which finds it by libpq's variables.
func (r *router) command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(pgtest.Bin(t), name) // newest version first: Debian's wrappers may choose another
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath(name); err != nil {
			missing(t, err.Error())
		}
	}
	cmd := exec.CommandContext(within(t), path, args...)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "PGHOST=127.0.0.1", fmt.Sprintf("PGPORT=%d", r.port), "PGUSER=postgres",
		"PGPASSWORD=postgres", "PGDATABASE=postgres", "PGSSLMODE=disable", "PGOPTIONS=", "PGAPPNAME=", "LC_ALL=C.UTF-8")
	return cmd
}

// output runs a command that must end well and write nothing wrong, and returns its standard output.
func output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	var errText strings.Builder
	cmd.Stderr = &errText
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, errText.String())
	}
	return string(out)
}

// missing skips a test for want of a client program, or fails it where all of them have to be there.
func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("PGCREW_REQUIRE_DRIVERS") == "1" {
		t.Fatalf("PGCREW_REQUIRE_DRIVERS=1, but %s", why)
	}
	t.Skipf("%s (contrib/deps test installs it)", why)
}
