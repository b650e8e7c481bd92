package trap

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/probe"
)

func crew(servers ...*pgtest.Server) Crew {
	c := Crew{RecoveryUser: "postgres"}
	for i, s := range servers {
		c.Servers = append(c.Servers, Server{ID: i, Host: s.SocketDir(), Addr: s.Addr()})
	}
	return c
}

func ask(t *testing.T, c Crew, id int, s *pgtest.Server, user string) Facts {
	t.Helper()
	l := probe.Login{User: user, Password: pgtest.Password, Database: "postgres", Limit: time.Minute}
	conn, err := l.Connect(t.Context(), "tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f, err := c.Ask(t.Context(), id, conn)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// has looks for exactly these traps, in this order.
func has(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i, w := range want {
		if len(got) != len(want) || !strings.Contains(got[i], w) {
			t.Fatalf("got %q\nwant %q", got, want)
		}
	}
}

func TestRealServers(t *testing.T) {
	conf, keeps := "synchronous_standby_names = 'nobody'\nsynchronous_commit = local\n", "max_slot_wal_keep_size is -1"
	// Before PostgreSQL 14 a server takes a restore_command when it starts only, and what scp ends with would keep it from that.
	follows := []pgtest.Option{pgtest.Conf("restore_command = 'exit 1; scp archive:/a/%f %p'")}
	if pgtest.Major(t) >= 13 {
		conf += "max_slot_wal_keep_size = -1"
	} else { // whose slots have no limit
		conf += pgtest.KeepWAL(t, 0)
		follows, keeps = append(follows, pgtest.NoSlot()), "wal_keep_segments is 0"
	}
	primary := pgtest.Primary(t, pgtest.Conf(conf))
	s := primary.Standby(t, follows...)
	s.Exec(t, "ALTER SYSTEM SET wal_retrieve_retry_interval = '5s'")
	s.Reload(t)
	s.Until(t, "SHOW wal_retrieve_retry_interval", "5s")
	primary.Exec(t, "CREATE ROLE watcher LOGIN IN ROLE pg_monitor")
	primary.Exec(t, "CREATE ROLE nobody LOGIN")
	s.WaitReplay(t, primary)
	c := crew(primary, s)
	of := func(user string) []string {
		return c.Find([]Facts{ask(t, c, 0, primary, user), ask(t, c, 1, s, user)})
	}
	primary.Until(t, "SELECT count(*) FROM pg_stat_replication", "1")
	for _, user := range []string{"watcher", "nobody"} { // no privilege is needed
		has(t, of(user), keeps, "synchronous_standby_names has 'nobody'", "scp ends with 255", "wal_retrieve_retry_interval is 5000 ms")
	}
	c.RecoveryUser = "nobody"
	has(t, of("watcher"), "recovery_user 'nobody' is no superuser", keeps, "synchronous_standby_names", "scp", "wal_retrieve")

	srv := postmaster.New(s.Data(""))
	if _, ok := Read(t.Context(), 1, srv); ok {
		t.Error("the files of a standby that runs are read")
	}
	s.Kill(t, syscall.SIGKILL)
	for srv.Look().Postmaster != postmaster.Dead {
		time.Sleep(10 * time.Millisecond)
	}
	f, ok := Read(t.Context(), 1, srv)
	if !ok {
		t.Fatal("the files of a dead standby are not read")
	}
	has(t, c.Find([]Facts{f}), "scp ends with 255", "wal_retrieve_retry_interval is 5000 ms")
}

// A slot that nobody uses is seen with what it keeps.
func TestIdleSlots(t *testing.T) {
	primary := pgtest.Primary(t)
	primary.Exec(t, "SELECT pg_create_physical_replication_slot('old', true)")
	primary.Exec(t, "SELECT pg_create_physical_replication_slot('unused')")
	primary.Exec(t, "CREATE TABLE t AS SELECT generate_series(1, 1000)")
	f := ask(t, crew(primary), 0, primary, "postgres")
	if len(f.Idle) != 1 || f.Idle[0].Name != "old" || f.Idle[0].Keeps <= 0 {
		t.Errorf("%+v", f.Idle)
	}
}
