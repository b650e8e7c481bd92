package pgtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// ConnString returns a libpq connection string to the server over TCP without TLS. It carries the password of the user
// postgres and none for others.
func (s *Server) ConnString(db, user string) string {
	c := fmt.Sprintf("host=%s port=%d dbname=%s user=%s sslmode=disable", s.Host(), s.port, db, user)
	if user == "postgres" {
		c += " password=" + Password
	}
	return c
}

// SocketString is ConnString over the Unix socket.
func (s *Server) SocketString(db, user string) string {
	return fmt.Sprintf("host=%s port=%d dbname=%s user=%s", s.dir, s.port, db, user)
}

// Exec runs statements in the database postgres as the superuser, over the Unix socket, in a session of their own.
func (s *Server) Exec(t testing.TB, sql string) {
	t.Helper()
	s.ExecIn(t, "postgres", sql)
}

// ExecIn is Exec in another database.
func (s *Server) ExecIn(t testing.TB, db, sql string) {
	t.Helper()
	if _, err := s.query(db, sql); err != nil {
		t.Fatalf("%s: %s: %v\n%s", s.name, sql, err, s.Log())
	}
}

// Query1 is Exec, and returns the first column of the first row of the last result as text; "" for NULL or no row.
func (s *Server) Query1(t testing.TB, sql string) string {
	t.Helper()
	v, err := s.query("postgres", sql)
	if err != nil {
		t.Fatalf("%s: %s: %v\n%s", s.name, sql, err, s.Log())
	}
	return v
}

// Until repeats a query until its answer, as Query1 gives it, is want. Errors count as another answer.
func (s *Server) Until(t testing.TB, sql, want string) {
	t.Helper()
	var got string
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got, err = s.query("postgres", sql); err == nil && got == want {
			return
		}
	}
	t.Fatalf("%s: %s: after %v the answer is %q (error %v), not %q\n%s", s.name, sql, limit, got, err, want, s.Log())
}

// WaitReplay waits until this standby has replayed what the given server has flushed so far, which is every commit
// that was answered with synchronous_commit on.
func (s *Server) WaitReplay(t testing.TB, from *Server) {
	t.Helper()
	lsn := from.Query1(t, "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END")
	s.Until(t, "SELECT pg_last_wal_replay_lsn() >= '"+lsn+"'", "t")
}

// PauseReplay makes this standby replay nothing more until pg_wal_replay_resume(), and returns when it rests. Before PostgreSQL 14
// the server tells only that it was asked to; it may be at one record still then.
func (s *Server) PauseReplay(t testing.TB) {
	t.Helper()
	s.Exec(t, "SELECT pg_wal_replay_pause()")
	if s.progs.major < 14 {
		s.Until(t, "SELECT pg_is_wal_replay_paused()", "t")
		return
	}
	s.Until(t, "SELECT pg_get_wal_replay_pause_state()", "paused")
}

// Promote makes this standby a primary and returns when it takes writes.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	if s.progs.major >= 12 {
		s.Exec(t, "SELECT pg_promote(true, 60)")
	} else if out, err := s.progs.command("pg_ctl", "promote", "-D", s.Data("")).CombinedOutput(); err != nil {
		t.Fatalf("pg_ctl promote %s: %v: %s", s.name, err, out)
	}
	s.Until(t, "SELECT pg_is_in_recovery()", "f")
}

func (s *Server) query(db, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c, err := pgconn.Connect(ctx, s.SocketString(db, "postgres"))
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	results, err := c.Exec(ctx, sql).ReadAll()
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
