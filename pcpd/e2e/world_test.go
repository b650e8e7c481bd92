package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/freeport"
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
	port    int    // for clients
	host    string // for PCP
	pcp     int

	disconnect func() // ends the session of the client
}

func newWorld(t *testing.T) *world {
	for _, program := range []string{"pcp_node_info", "pgpool"} {
		if _, err := exec.LookPath(filepath.Join(sbin, program)); err != nil {
			need(t, "Pgpool-II's programs are not here: %v", err)
		}
	}
	primary, standbys := pgtest.Cluster(t, 1)
	standbys[0].WaitReplay(t, primary)
	ports := freeport.Ports(t, 2)
	w := &world{t: t, dir: t.TempDir(), servers: append([]*pgtest.Server{primary}, standbys...), port: ports[0], host: "127.0.0.1", pcp: ports[1], disconnect: func() {}}
	t.Cleanup(func() { w.disconnect() })
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
	cmd.Stderr = log
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

// connect opens the session of a client, in the place of an earlier one, until each of the nodes was used by a client, which
// changes its status from waiting to up. The last session stays open.
func (w *world) connect(nodes ...int) {
	w.t.Helper()
	unused := func(node int) bool { return w.node(node).status != up }
	for end := time.Now().Add(patience); !w.tryConnect(len(nodes) > 1) || slices.ContainsFunc(nodes, unused); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("no client gets to all of the nodes %v", nodes)
		}
	}
}

// tryConnect opens a session that has used the primary, and by a query that may go to any the node that was drawn for it. When
// both are wanted, a session that drew the primary will not do.
func (w *world) tryConnect(both bool) bool {
	w.disconnect()
	cmd := exec.Command("psql", "-X", "-h", "127.0.0.1", "-p", strconv.Itoa(w.port), "-U", "postgres", "-qAt", "postgres")
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
	w.disconnect = func() {
		in.Close()
		cmd.Wait()
	}
	io.WriteString(in, "DO 'BEGIN END';\nSELECT 'here';\nSHOW pool_nodes;\nSELECT 'there';\n")
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "here" {
		return false
	}
	const role, drawn = 6, 9 // columns
	for lines.Scan() && lines.Text() != "there" {
		if row := strings.Split(lines.Text(), "|"); both && len(row) > drawn && row[role] == "primary" && row[drawn] == "true" {
			return false
		}
	}
	return lines.Text() == "there"
}

// debian runs one of Debian's pcp_ programs as it is written in a recording, against a port of the host.
func (w *world) debian(port int, words string, more ...string) recorded.Output {
	w.t.Helper()
	name, rest, _ := strings.Cut(words, " ")
	args := append([]string{"-h", w.host, "-p", strconv.Itoa(port), "-w"}, strings.Fields(rest)...)
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

// The words for the status of a node.
const (
	up      = "up"
	waiting = "waiting" // it is up, but no client has used it
	down    = "down"
	stopped = "stopped" // down, and it is known that its server does not answer
)

// view is what pcp_node_info says of a node.
type view struct {
	status, pgStatus, role, pgRole, state string
	said                                  recorded.Output
}

func (w *world) node(id int) view {
	w.t.Helper()
	said := w.debian(w.pcp, fmt.Sprint("pcp_node_info -n ", id))
	// host port status weight status_name pg_status role pg_role delay state sync_state date time
	words := strings.Fields(said.Out)
	if len(words) != 13 {
		return view{said: said}
	}
	return view{words[4], words[5], words[6], words[7], words[9], said}
}

// until waits until a node is up or down, as Pgpool-II and as PostgreSQL say, and has the role; a standby that is up streams.
func (w *world) until(node int, status, role string) {
	w.t.Helper()
	var v view
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		v = w.node(node)
		isUp := v.status == up || v.status == waiting
		if v.role == role && (status == down && v.status == down || status == stopped && v.status == down && v.pgStatus == down ||
			status == up && isUp && v.pgStatus == up && v.pgRole == role && (role == "primary" || v.state == "streaming")) {
			return
		}
	}
	w.t.Fatalf("node %d does not become %s %s: %+v", node, status, role, v.said)
}
