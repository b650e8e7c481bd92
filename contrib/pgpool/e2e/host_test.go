package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/freeport"
	"github.com/pgcrew/pgcrew/common/pgtest"
)

// A host is where a pgpool runs.
type host struct {
	t       *testing.T
	dir     string
	port    int
	servers []*pgtest.Server
	user    *syscall.Credential // of pgpool; nil for ours
}

// parts are what this configuration runs.
var parts = []string{"pgrouter", "pgwatch", "pcpd", "pgvip"}

// newHost writes the files of a host in front of servers: the lab's settings, with the addresses of this test.
func newHost(t *testing.T, servers []*pgtest.Server) *host {
	dir, err := os.MkdirTemp("/tmp", "pgpool")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h := &host{t: t, dir: dir, servers: servers}
	ports := freeport.Ports(t, 4)
	h.port = ports[0]
	h.write("pgpool.conf", h.conf(ports))
	h.write("pgpool_node_id", "0\n")
	h.write("hba", "host all all 127.0.0.1/32 trust\nlocal all all trust\n")
	h.write("pcp", "postgres:e8a48653851e28c69d0506508fb27fc5\n")
	h.write("key", "secret\n")
	h.write("vip", "#!/bin/sh\necho \"$1 $2\" >>"+h.path("vip.log")+"\n")
	if err := os.Chmod(h.path("vip"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.end)
	return h
}

// conf is the configuration.
func (h *host) conf(ports []int) string {
	var f strings.Builder
	set := func(name string, value any) { fmt.Fprintf(&f, "%s = '%v'\n", name, value) }
	for _, name := range []string{"run_directory", "state_directory", "unix_socket_directories", "pcp_socket_dir"} {
		set(name, h.dir)
	}
	set("pid_file_name", "run/pgpool.pid")
	set("listen_addresses", "127.0.0.1")
	set("port", ports[0])
	set("pcp_listen_addresses", "127.0.0.1")
	set("pcp_port", ports[1])
	set("enable_pool_hba", "on")
	set("sr_check_user", "postgres")
	set("health_check_user", "postgres")
	set("use_watchdog", "on")
	set("delegate_ip", "192.0.2.77")
	set("hostname0", "127.0.0.1")
	set("wd_port0", ports[2])
	set("pgpool_port0", ports[0])
	set("heartbeat_hostname0", "127.0.0.1")
	set("heartbeat_port0", ports[3])
	for i, s := range h.servers {
		set(fmt.Sprint("backend_hostname", i), s.Host())
		set(fmt.Sprint("backend_port", i), s.Port())
		set(fmt.Sprint("backend_data_directory", i), s.Data(""))
		set(fmt.Sprint("backend_application_name", i), s.Name())
		set(fmt.Sprint("backend_flag", i), "ALLOW_TO_FAILOVER")
	}
	set("logging_collector", "on")
	set("log_directory", "log")
	set("log_filename", "pgpool.log")
	set("log_truncate_on_rotation", "on")
	return f.String()
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) read(name string) string {
	text, _ := os.ReadFile(h.path(name))
	return string(text)
}

// command is pgpool with the files of this host, as Pgpool-II's own tests start it.
func (h *host) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, "pgpool"), append([]string{"-f", "pgpool.conf", "-F", "pcp", "-a", "hba", "-k", "key"}, args...)...)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "PGVIP_EXEC="+h.path("vip"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: h.user}
	return cmd
}

// asOwner makes pgpool run as the user of the servers.
func (h *host) asOwner() {
	h.t.Helper()
	info, err := os.Stat(h.servers[0].Data(""))
	if err != nil {
		h.t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	h.user = &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}
	err = filepath.WalkDir(h.dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, int(owner.Uid), int(owner.Gid)))
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// run runs it, and returns the exit status and what it said.
func (h *host) run(args ...string) (int, string) {
	h.t.Helper()
	cmd := h.command(args...)
	var words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &words, &words
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		h.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), words.String()
}

// must runs it, and wants a status.
func (h *host) must(status int, args ...string) string {
	h.t.Helper()
	got, words := h.run(args...)
	if got != status {
		h.t.Fatalf("pgpool %v: status %d, wanted %d: %s", args, got, status, words)
	}
	return words
}

// state is what these tests read of pgpool status -j.
type state struct {
	LogFile string `json:"log_file"`
	Parts   []struct {
		Name     string `json:"name"`
		PID      int    `json:"pid"`
		Ready    bool   `json:"ready"`
		Restarts int    `json:"restarts"`
	} `json:"parts"`
}

func (h *host) state() (s state) {
	h.t.Helper()
	out := h.must(0, "status", "-j")
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		h.t.Fatalf("%v in %s", err, out)
	}
	return s
}

// pid is the process number of pgpool; 0 when there is none.
func (h *host) pid() (pid int) {
	fmt.Sscan(h.read("run/pgpool.pid"), &pid)
	return pid
}

// pids are the process numbers of the parts that run, by name.
func (h *host) pids() map[string]int {
	all := map[string]int{}
	for _, p := range h.state().Parts {
		all[p.Name] = p.PID
	}
	return all
}

// until waits until something is so.
func (h *host) until(what string, is func() bool) {
	h.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// gone waits until no process of that number is left.
func (h *host) gone(pids map[string]int) {
	h.t.Helper()
	for name, pid := range pids {
		h.until(name+" ends", func() bool { return !alive(pid) })
	}
}

// alive tells whether a process runs, and does not only wait for its parent to look.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// connect connects through the router.
func (h *host) connect() (*pgconn.PgConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return pgconn.Connect(ctx, fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=disable", h.port))
}

// query asks through the router.
func (h *host) query(sql string) (string, error) {
	c, err := h.connect()
	if err != nil {
		return "", err
	}
	defer c.Close(context.Background())
	return ask(c, sql)
}

func ask(c *pgconn.PgConn, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	results, err := c.Exec(ctx, sql).ReadAll()
	if err != nil {
		return "", err
	}
	if last := results[len(results)-1].Rows; len(last) > 0 {
		return string(last[0][0]), nil
	}
	return "", nil
}

// writes waits until the router lets a write through.
func (h *host) writes() {
	h.t.Helper()
	h.until("a write", func() bool {
		_, err := h.query("CREATE TABLE IF NOT EXISTS t (n int); INSERT INTO t VALUES (1)")
		return err == nil
	})
}

// log is the end of the log.
func (h *host) log() string {
	text := h.read("log/pgpool.log")
	return text[max(0, len(text)-16<<10):]
}

// end ends what a failed test has left.
func (h *host) end() {
	if pid := h.pid(); pid > 0 && alive(pid) {
		syscall.Kill(pid, syscall.SIGQUIT)
		for end := time.Now().Add(patience); alive(pid) && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		}
	}
	if h.t.Failed() {
		h.t.Logf("%s\nthe address: %q", h.log(), h.read("vip.log"))
	}
}
