package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/freeport"
	"github.com/pgcrew/pgcrew/common/pgtest"
)

// A crew is three nodes, the third one a witness, that watch the same servers; the other two have a router.
type crew struct {
	t       *testing.T
	dir     string
	servers []*pgtest.Server
	watch   [3]int // ports
	router  [2]int
	running map[string]*process
}

// process is a program that runs.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// status is what these tests read of pgwatch status -j.
type status struct {
	Epoch    uint64 `json:"epoch"`
	ServeMS  int    `json:"serve_ms"`
	Failover any    `json:"failover"`
	Members  []struct {
		ID     int    `json:"id"`
		Leader bool   `json:"leader"`
		State  string `json:"state"`
		Voter  bool   `json:"voter"`
	} `json:"members"`
	Backends []struct {
		ID     int    `json:"id"`
		Status string `json:"status"`
		State  string `json:"state"`
		Role   string `json:"role"`
	} `json:"backends"`
}

func (s *status) leader() int {
	for _, m := range s.Members {
		if m.Leader {
			return m.ID
		}
	}
	return -1
}

func (s *status) primary() int {
	for _, b := range s.Backends {
		if b.Role == "primary" && b.Status == "attached" {
			return b.ID
		}
	}
	return -1
}

func newCrew(t *testing.T) *crew {
	c := &crew{t: t, dir: t.TempDir(), running: map[string]*process{}}
	primary, standbys := pgtest.Cluster(t, 2)
	c.servers = append([]*pgtest.Server{primary}, standbys...)
	for _, s := range standbys {
		s.WaitReplay(t, primary)
	}
	ports := freeport.Ports(t, 8)
	copy(c.watch[:], ports)
	copy(c.router[:], ports[3:])
	for node := range c.watch {
		c.write(node, ports[5:])
	}
	t.Cleanup(c.end)
	return c
}

// write writes a node's configuration.
func (c *crew) write(node int, heartbeats []int) {
	var f strings.Builder
	set := func(name string, value any) { fmt.Fprintf(&f, "%s = '%v'\n", name, value) }
	for _, name := range []string{"run_directory", "state_directory", "unix_socket_directories"} {
		set(name, c.folder(node))
	}
	set("listen_addresses", "127.0.0.1")
	set("sr_check_user", "postgres")
	set("health_check_user", "postgres")
	set("use_watchdog", "on")
	set("wd_authkey", "of this test")
	set("failover_wait", "60")
	set("num_init_children", 200)
	for i, s := range c.servers {
		set(fmt.Sprint("backend_hostname", i), s.Host())
		set(fmt.Sprint("backend_port", i), s.Port())
		set(fmt.Sprint("backend_data_directory", i), s.Data(""))
		set(fmt.Sprint("backend_application_name", i), s.Name())
		set(fmt.Sprint("backend_weight", i), 1)
	}
	for i, port := range c.watch {
		set(fmt.Sprint("hostname", i), "127.0.0.1")
		set(fmt.Sprint("wd_port", i), port)
		set(fmt.Sprint("heartbeat_hostname", i), "127.0.0.1")
		set(fmt.Sprint("heartbeat_port", i), heartbeats[i])
		if i < len(c.router) {
			set(fmt.Sprint("pgpool_port", i), c.router[i])
		}
	}
	if node < len(c.router) {
		set("port", c.router[node])
	}
	if err := os.MkdirAll(c.folder(node), 0o700); err != nil {
		c.t.Fatal(err)
	}
	for name, text := range map[string]string{"pgpool.conf": f.String(), "pgpool_node_id": fmt.Sprintln(node)} {
		if err := os.WriteFile(filepath.Join(c.folder(node), name), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *crew) folder(node int) string { return filepath.Join(c.dir, fmt.Sprint("node", node)) }

// config is the flag by which every tool of a node gets its file.
func (c *crew) config(node int) string {
	return "--config=" + filepath.Join(c.folder(node), "pgpool.conf")
}

// start starts a tool of a node. What it says is shown when the test fails.
func (c *crew) start(tool string, node int, args ...string) {
	c.t.Helper()
	name := fmt.Sprint(tool, " ", node)
	log, err := os.OpenFile(filepath.Join(c.folder(node), tool+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(bin, tool), append(args, c.config(node))...)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	p := &process{cmd, make(chan struct{})}
	go func() { cmd.Wait(); close(p.done) }()
	c.running[name] = p
}

// startNode starts all that a node has.
func (c *crew) startNode(node int) {
	args := []string{"run"}
	if node == 2 {
		args = append(args, "--witness")
	}
	c.start("pgwatch", node, args...)
	if node < len(c.router) && c.running[fmt.Sprint("pgrouter ", node)] == nil {
		c.start("pgrouter", node, "run")
	}
}

// kill ends a program as kill -9 does.
func (c *crew) kill(tool string, node int) {
	c.t.Helper()
	name := fmt.Sprint(tool, " ", node)
	p := c.running[name]
	if p == nil {
		c.t.Fatalf("%s does not run", name)
	}
	delete(c.running, name)
	p.cmd.Process.Kill()
	<-p.done
}

// end ends everything, servers too that pgrecover started: pgtest does not know those.
func (c *crew) end() {
	for _, p := range c.running {
		p.cmd.Process.Signal(syscall.SIGTERM)
	}
	for name, p := range c.running {
		select {
		case <-p.done:
		case <-time.After(patience):
			c.t.Errorf("%s does not end", name)
			p.cmd.Process.Kill()
			<-p.done
		}
	}
	if c.t.Failed() {
		logs, _ := filepath.Glob(filepath.Join(c.dir, "*", "*.log"))
		for _, s := range c.servers {
			logs = append(logs, s.Data("pgcrew-start.log")) // of one that pgrecover started
		}
		for _, name := range logs {
			text, _ := os.ReadFile(name)
			c.t.Logf("%s:\n%s", strings.TrimPrefix(name, c.dir), text[max(0, len(text)-16<<10):])
		}
	}
	for _, s := range c.servers {
		if pid := postmasterPID(s); pid > 0 && !s.Running() {
			syscall.Kill(pid, syscall.SIGQUIT)
			for end := time.Now().Add(patience); syscall.Kill(pid, 0) == nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			}
		}
	}
}

// postmasterPID is the process number in the pid file of a server, 0 when it has none.
func postmasterPID(s *pgtest.Server) (pid int) {
	text, _ := os.ReadFile(s.Data("postmaster.pid"))
	fmt.Sscan(string(text), &pid)
	return pid
}

// run runs a command of a tool and returns what it said.
func (c *crew) run(tool string, node int, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(bin, tool), append(args, c.config(node))...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %v: %w: %s", tool, args, err, complaint.String())
	}
	return string(out), err
}

// until waits until a node says that something is so.
func (c *crew) until(node int, what string, is func(s *status) bool) *status {
	c.t.Helper()
	out, err := "", error(nil)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var s status
		if out, err = c.run("pgwatch", node, "status", "-j"); err != nil {
			continue
		}
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			c.t.Fatalf("pgwatch status -j: %v in %s", err, out)
		}
		if is(&s) {
			return &s
		}
	}
	c.t.Fatalf("node %d: not within %v: %s: %v %s", node, patience, what, err, out)
	return nil
}
