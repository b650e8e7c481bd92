package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A standby is added to a crew that runs, becomes the primary, and another one is taken out.
func TestServersComeAndGo(t *testing.T) {
	if testing.Short() {
		t.Skip("this takes half a minute")
	}
	c := newCrew(t)
	base := map[int]string{}
	for node := range c.watch {
		text, err := os.ReadFile(c.file(node))
		if err != nil {
			t.Fatal(err)
		}
		base[node] = string(text)
		c.rewrite(node, base[node]+"backend_port2 = 0\n")
		c.startNode(node)
	}
	s := c.until(0, "all is well with two servers", c.well(2))
	follower := 1 - s.leader()

	// The follower first: what it names newly is its own opinion until the leader's file says so, too.
	for _, node := range []int{follower, 2, 1 - follower} {
		c.rewrite(node, base[node])
		c.hangup("pgwatch", node)
		c.said(node, "msg=reloaded")
	}
	for _, node := range []int{0, 1} {
		c.hangup("pgrouter", node)
		c.until(node, "three servers", c.well(3))
	}
	if out, err := c.run("pgwatch", 0, "switchover", "--to", "2"); err != nil {
		t.Fatal(err, out)
	}
	s = c.until(0, "the new server is the primary", func(s *status) bool { return s.primary() == 2 && c.well(3)(s) })
	leader := s.leader()

	c.rewrite(leader, base[leader]+"backend_port2 = 0\n")
	c.hangup("pgwatch", leader)
	c.said(leader, "backend 2 is the primary and cannot be taken out")
	c.rewrite(leader, base[leader]+"backend_port0 = 0\n")
	c.hangup("pgwatch", leader)
	for _, node := range []int{0, 1} {
		c.until(node, "the old primary is out", func(s *status) bool {
			return len(s.Backends) == 2 && s.Backends[0].ID == 1 && s.Backends[1].ID == 2 && c.well(2)(s)
		})
	}
	c.said(1-leader, "the file of this node names other servers than the crew has agreed on")
}

func (c *crew) file(node int) string { return filepath.Join(c.folder(node), "pgpool.conf") }

// rewrite replaces a node's configuration.
func (c *crew) rewrite(node int, text string) {
	c.t.Helper()
	if err := os.WriteFile(c.file(node), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// hangup has a tool of a node read its files again.
func (c *crew) hangup(tool string, node int) {
	c.running[fmt.Sprint(tool, " ", node)].cmd.Process.Signal(syscall.SIGHUP)
}

// said waits until the log of a node's pgwatch has a text.
func (c *crew) said(node int, text string) {
	c.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		log, err := os.ReadFile(filepath.Join(c.folder(node), "pgwatch.log"))
		if err != nil {
			c.t.Fatal(err)
		}
		if strings.Contains(string(log), text) {
			return
		}
	}
	c.t.Fatalf("node %d: not within %v in the log: %s", node, patience, text)
}
