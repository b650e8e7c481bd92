package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// One crew lives through a leader that is killed, a switchover under load and a primary that is killed; all the time
// others write through both routers.
func TestCrewSurvives(t *testing.T) {
	if testing.Short() {
		t.Skip("this takes half a minute")
	}
	c := newCrew(t)
	c.servers[0].Exec(t, "CREATE TABLE written (n bigint PRIMARY KEY); CREATE TABLE account (n int PRIMARY KEY, balance int); INSERT INTO account SELECT n, 0 FROM generate_series(1, 1000) AS n")
	for node := range c.watch {
		c.startNode(node)
	}
	c.until(0, "all is well", c.well(3))
	w := c.startWriters()
	first := w.until(t, 0, 1)

	t.Run("leader killed", func(t *testing.T) { c.leaderKilled(t, w, first) })
	t.Run("switchover", func(t *testing.T) { c.switchover(t, w, first) })
	t.Run("primary killed", func(t *testing.T) { c.primaryKilled(t, w) })
	w.end()
	w.onePrimary(t)
}

// well reports whether a database node leads, all nodes are there, and so many servers take part.
func (c *crew) well(servers int) func(s *status) bool {
	return func(s *status) bool {
		for _, m := range s.Members {
			if m.State != "alive" || !m.Voter {
				return false
			}
		}
		up := 0
		for _, b := range s.Backends {
			if b.State == "up" && b.Status == "attached" {
				up++
			}
		}
		return len(s.Members) == 3 && up == servers && s.primary() >= 0 && s.leader() >= 0 && s.leader() < 2 && s.Failover == nil && s.ServeMS > 0
	}
}

// The pgwatch that leads is killed: another one leads, and the primary stays the primary.
func (c *crew) leaderKilled(t *testing.T, w *writers, line string) {
	led := c.until(0, "a leader", c.well(3)).leader()
	c.kill("pgwatch", led)
	other := 1 - led
	c.until(other, "another leader", func(s *status) bool { return s.leader() >= 0 && s.leader() != led })
	if got := w.until(t, other); got != line {
		t.Errorf("the primary has changed: timeline %s, it was %s", got, line)
	}
	c.startNode(led)
	s := c.until(led, "the old leader is back", c.well(3))
	if s.Epoch != 1 {
		t.Errorf("epoch %d: the end of a pgwatch is no failover", s.Epoch)
	}
	w.until(t, 0, 1)
}

// A switchover under pgbench: no transaction fails, nothing that was acknowledged is missing.
func (c *crew) switchover(t *testing.T, w *writers, line string) {
	s := c.until(0, "all is well", c.well(3))
	old := s.primary()
	script := filepath.Join(c.dir, "script")
	text := "\\set n random(1, 1000)\nUPDATE account SET balance = balance + 1 WHERE n = :n;\n\\sleep 5 ms\n"
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bench := exec.Command(filepath.Join(pgtest.Bin(t), "pgbench"), "-n", "-h", "127.0.0.1", "-p", fmt.Sprint(c.router[0]), "-U", "postgres",
		"-c", "8", "-T", "12", "-P", "1", "-f", script, "postgres")
	var said strings.Builder
	bench.Stdout, bench.Stderr = &said, &said
	if err := bench.Start(); err != nil {
		t.Fatal(err)
	}
	c.servers[old].Until(t, "SELECT count(*) > 0 FROM account WHERE balance > 0", "t")
	out, err := c.run("pgwatch", 1, "switchover")
	if err != nil {
		t.Error(err)
	}
	err, output := bench.Wait(), said.String()
	if err != nil || strings.Contains(output, "abort") {
		t.Errorf("pgbench: %v\n%s", err, output)
	}
	// Before PostgreSQL 15 pgbench does not count failures: each ends its client.
	if pgtest.Major(t) >= 15 && !strings.Contains(output, "number of failed transactions: 0 ") {
		t.Errorf("pgbench says nothing of failed transactions, or some:\n%s", output)
	}
	s = c.until(0, "the switchover is over", func(s *status) bool {
		return s.primary() >= 0 && s.primary() != old && s.Failover == nil && s.ServeMS > 0
	})
	if want := fmt.Sprintf("backend %d is the primary, epoch %d\n", s.primary(), s.Epoch); out != want {
		t.Errorf("pgwatch switchover said %q, and it is %q", out, want)
	}
	w.until(t, 0, 1)
	primary := c.servers[s.primary()]
	for _, n := range w.numbersOf(line) {
		if got := primary.Query1(t, fmt.Sprintf("SELECT count(*) FROM written WHERE n = %d", n)); got != "1" {
			t.Errorf("write %d was acknowledged, and the new primary has it %s times", n, got)
		}
	}
}

// The postmaster of the primary is killed, while its sessions live on for a while: a standby takes its place.
func (c *crew) primaryKilled(t *testing.T, w *writers) {
	s := c.until(0, "a standby follows", func(s *status) bool {
		for _, b := range s.Backends {
			if b.Role == "standby" && b.State == "up" && b.Status == "attached" {
				return s.primary() >= 0 && s.Failover == nil
			}
		}
		return false
	})
	line := w.until(t, 0, 1)
	syscall.Kill(postmasterPID(c.servers[s.primary()]), syscall.SIGKILL)
	after := c.until(0, "another primary", func(now *status) bool {
		return now.Epoch > s.Epoch && now.primary() >= 0 && now.primary() != s.primary()
	})
	if got := w.until(t, 0, 1); got <= line {
		t.Errorf("writes go on on timeline %s, it was %s before", got, line)
	}
	t.Logf("epoch %d: server %d instead of %d", after.Epoch, after.primary(), s.primary())
}
