package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

func (s *status) backend(id int) (status, state string) {
	for _, b := range s.Backends {
		if b.ID == id {
			return b.Status, b.State
		}
	}
	return "", ""
}

// attached waits until a server takes part and answers.
func (c *crew) attached(id int) {
	c.t.Helper()
	c.until(0, fmt.Sprintf("server %d takes part", id), func(s *status) bool {
		status, state := s.backend(id)
		return status == "attached" && state == "up" && s.Failover == nil
	})
}

// An operator takes servers out and has them back; a primary that dies comes back without one.
func TestServersComeBack(t *testing.T) {
	t.Setenv("PGWATCH_AUTO_RECOVER", "on")
	t.Setenv("PGRECOVER_RECOVERY_USER", "postgres") // as whom an old primary receives
	t.Setenv("PGRECOVER_RECOVERY_PASSWORD", pgtest.Password)
	c := newCrew(t)
	for node := range 3 {
		c.startNode(node)
	}
	c.until(0, "all is well", func(s *status) bool { return s.primary() == 0 && s.Failover == nil })
	for id := range 3 {
		c.attached(id)
	}
	refused := func(want string, args ...string) {
		t.Helper()
		if _, err := c.run("pgwatch", 1, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
	obeyed := func(args ...string) {
		t.Helper()
		if _, err := c.run("pgwatch", 1, args...); err != nil {
			t.Fatal(err)
		}
	}
	refused("node id: 1 is alive", "recover", "1")
	refused("primary server cannot be recovered", "recover", "0")
	refused("node id 9 is not valid", "recover", "9")

	obeyed("detach", "1")
	c.until(0, "it is out", func(s *status) bool { status, _ := s.backend(1); return status == "detached" })
	obeyed("attach", "1")
	c.attached(1)

	obeyed("detach", "0", "--reason", "maintenance")
	s := c.until(0, "another primary", func(s *status) bool { return s.primary() > 0 && s.Failover == nil })
	if status, state := s.backend(0); status != "detached" || state != "down" {
		t.Errorf("the old primary is %s and %s", status, state)
	}
	refused("backend 0 is refused", "attach", "0")
	obeyed("recover", "0")
	c.attached(0)

	old := s.primary()
	syscall.Kill(postmasterPID(c.servers[old]), syscall.SIGKILL)
	c.until(0, "yet another primary", func(s *status) bool { return s.primary() >= 0 && s.primary() != old && s.Failover == nil })
	c.attached(old)
}
