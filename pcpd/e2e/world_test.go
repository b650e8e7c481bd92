package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/pcpd/internal/recorded"
)

// patience is for what must come. No test decides by how long it took.
const patience = 2 * time.Minute

// A world is two servers and what answers PCP requests in front of them.
type world struct {
	t       *testing.T
	dir     string // readable for all
	servers []*pgtest.Server
	port    int // for clients
	pcp     int
}

func newWorld(t *testing.T) *world {
	for _, program := range []string{"pcp_node_info", "pgpool"} {
		if _, err := exec.LookPath(filepath.Join(sbin, program)); err != nil {
			need(t, "Pgpool-II's programs are not here: %v", err)
		}
	}
	primary, standbys := pgtest.Cluster(t, 1)
	standbys[0].WaitReplay(t, primary)
	ports := freePorts(t, 2)
	w := &world{t: t, dir: t.TempDir(), servers: append([]*pgtest.Server{primary}, standbys...), port: ports[0], pcp: ports[1]}
	w.write(".pcppass", recorded.Passwords)
	w.write("pcp.conf", pcpConf)
	return w
}

// sbin is where Debian has Pgpool-II.
const sbin = "/usr/sbin"

// pcpConf has the users of recorded.Passwords, but for nobody; that of mallory is wrong.
const pcpConf = recorded.User + ":e8a48653851e28c69d0506508fb27fc5\nmallory:e8a48653851e28c69d0506508fb27fc5\n"

// need skips the test, or fails where everything must be there.
func need(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("PGCREW_REQUIRE_POSTGRES") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func (w *world) write(name, text string) string {
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// folder makes a folder in that of the world.
func (w *world) folder(name string) {
	if err := os.Mkdir(filepath.Join(w.dir, name), 0o700); err != nil {
		w.t.Fatal(err)
	}
}

// conf is the configuration that Pgpool-II and the crew share.
func (w *world) conf() string {
	var f strings.Builder
	set := func(name string, value any) { fmt.Fprintf(&f, "%s = '%v'\n", name, value) }
	set("backend_clustering_mode", "streaming_replication")
	set("listen_addresses", "127.0.0.1")
	set("port", w.port)
	set("pcp_listen_addresses", "127.0.0.1")
	set("pcp_port", w.pcp)
	set("pcp_socket_dir", w.dir)
	set("num_init_children", 4)
	set("max_pool", 2)
	set("sr_check_period", 1)
	set("sr_check_user", "postgres")
	set("health_check_period", 1)
	set("health_check_timeout", 10)
	set("health_check_user", "postgres")
	set("failover_on_backend_error", "off")
	for i, s := range w.servers {
		set(fmt.Sprint("backend_hostname", i), s.Host())
		set(fmt.Sprint("backend_port", i), s.Port())
		set(fmt.Sprint("backend_data_directory", i), s.Data(""))
		set(fmt.Sprint("backend_application_name", i), s.Name())
		set(fmt.Sprint("backend_weight", i), 1)
	}
	return f.String()
}

// run starts a program that ends with the test, by SIGTERM. What it says is shown when the test fails.
func (w *world) run(stop os.Signal, program string, args ...string) {
	w.t.Helper()
	log, err := os.CreateTemp(w.dir, filepath.Base(program)+"*.log")
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	name := log.Name()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	w.t.Cleanup(func() {
		cmd.Process.Signal(stop)
		select {
		case <-ended:
		case <-time.After(patience):
			w.t.Errorf("%s does not end", program)
			cmd.Process.Kill()
			<-ended
		}
		if w.t.Failed() {
			text, _ := os.ReadFile(name)
			w.t.Logf("%s:\n%s", name, text[max(0, len(text)-16<<10):])
		}
	})
}

// connect opens a session of a client that has asked something of its own, and keeps it until the end of the test.
func (w *world) connect() {
	w.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if w.tryConnect() {
			return
		}
		if time.Now().After(end) {
			w.t.Fatal("no client gets in")
		}
	}
}

func (w *world) tryConnect() bool {
	cmd := exec.Command("psql", "-X", "-h", "127.0.0.1", "-p", strconv.Itoa(w.port), "-U", "postgres", "-At", "postgres")
	in, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	io.WriteString(in, "SELECT 'here';\n")
	line, _ := bufio.NewReader(out).ReadString('\n')
	if line != "here\n" {
		in.Close()
		cmd.Wait()
		return false
	}
	w.t.Cleanup(func() { in.Close(); cmd.Wait() })
	return true
}

// debian runs one of Debian's pcp_ programs as it is written in a recording, against a port.
func (w *world) debian(port int, words string, more ...string) recorded.Output {
	w.t.Helper()
	name, rest, _ := strings.Cut(words, " ")
	args := append([]string{"-h", "127.0.0.1", "-p", strconv.Itoa(port), "-w"}, strings.Fields(rest)...)
	if !strings.Contains(rest, "-U") {
		args = append(args, "-U", recorded.User)
	}
	cmd := exec.Command(filepath.Join(sbin, name), append(args, more...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "PCPPASSFILE="+filepath.Join(w.dir, ".pcppass"))
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		w.t.Fatal(err)
	}
	return recorded.Output{Out: out.String(), Err: errs.String(), Status: cmd.ProcessState.ExitCode()}
}

// order has a pcp_ program do something that must work.
func (w *world) order(words string) {
	w.t.Helper()
	var out recorded.Output
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if out = w.debian(w.pcp, words); out.Err == "" {
			return
		}
	}
	w.t.Fatalf("%s: %+v", words, out)
}

// What status a node may have in the output of pcp_node_info. Waiting is up, but no client has used it yet.
const (
	up   = "up waiting"
	down = "down"
)

// until waits until pcp_node_info says that a node has one of the statuses and the role, and that a standby that is up
// streams.
func (w *world) until(node int, statuses, role string) {
	w.t.Helper()
	var said recorded.Output
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		said = w.debian(w.pcp, fmt.Sprint("pcp_node_info -n ", node))
		// host port status weight status_name pg_status role pg_role delay state sync_state date time
		words := strings.Fields(said.Out)
		if len(words) == 13 && strings.Contains(statuses, words[4]) && words[6] == role &&
			(statuses == down || words[5] == "up" && words[7] == role && (role == "primary" || words[9] == "streaming")) {
			return
		}
	}
	w.t.Fatalf("node %d does not become %s %s: %+v", node, statuses, role, said)
}

// freePorts returns ports that nobody uses, for TCP and UDP.
func freePorts(t *testing.T, n int) (ports []int) {
	for len(ports) < n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if u, err := net.ListenPacket("udp", l.Addr().String()); err == nil {
			defer u.Close()
			ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		}
	}
	return ports
}
