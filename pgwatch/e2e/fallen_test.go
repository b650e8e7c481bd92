package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
)

// A restore_command that ends with 255 has shut the only standby down when the primary dies: it is started without that command,
// and takes its place.
func TestFallenStandbyTakesOver(t *testing.T) {
	if testing.Short() {
		t.Skip("this takes half a minute")
	}
	c := newCrew(t)
	for node := range c.watch {
		c.startNode(node)
	}
	c.until(0, "all is well", c.well(3))
	c.servers[0].Exec(t, "CREATE TABLE t AS SELECT 42 AS n")
	standby := c.servers[1]
	standby.WaitReplay(t, c.servers[0])
	c.servers[2].Stop(t, pgtest.Fast) // by somebody who wants it down
	standby.Exec(t, "ALTER SYSTEM SET restore_command = 'exit 255'")
	standby.Exec(t, "ALTER SYSTEM SET primary_conninfo = ''") // it turns to its restore_command
	srv := postmaster.New(standby.Data(""))
	if pgtest.Major(t) >= 14 {
		syscall.Kill(srv.Look().PID, syscall.SIGHUP) // nobody can ask it whether it has read its files: it falls
	} else { // which takes a restore_command when it starts only
		standby.Kill(t, syscall.SIGKILL)
		standby.StartAsync(t)
	}
	for end := time.Now().Add(patience); srv.Look().Postmaster != postmaster.Dead || standby.Running(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the standby does not fall")
		}
	}
	c.until(0, "the standbys are missed", func(s *status) bool {
		return s.Backends[1].Status == "down" && s.Backends[2].State == "down" && s.primary() == 0
	})
	syscall.Kill(postmasterPID(c.servers[0]), syscall.SIGKILL)
	c.until(0, "the standby is the primary", func(s *status) bool { return s.Epoch == 2 && s.primary() == 1 && s.ServeMS > 0 })
	if got := standby.Query1(t, "SELECT n || ' ' || pg_is_in_recovery() FROM t"); got != "42 false" {
		t.Errorf("it has %s", got)
	}
	if st := postmaster.New(c.servers[2].Data("")).Look(); st.Postmaster != postmaster.Dead {
		t.Errorf("the standby that was shut down: %+v", st)
	}
}
