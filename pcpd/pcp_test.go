package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/pcpd/internal/crewtest"
)

// patience is for what must come. No test decides by how long it took.
const patience = time.Minute

// desk is a pcpd in front of a crew of the test, asked by the programs of Pgpool-II.
type desk struct {
	*crewtest.Crew
	t    *testing.T
	port string
	log  bytes.Buffer // when it has ended
	done chan struct{}
	cmd  *exec.Cmd
	end  func()
}

// newDesk starts a pcpd. PGCREW_REQUIRE_DRIVERS=1 makes a missing program a failure.
func newDesk(t *testing.T, lines ...string) *desk {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/pcp_node_count"); err != nil {
		if os.Getenv("PGCREW_REQUIRE_DRIVERS") == "1" {
			t.Fatal("Pgpool-II's programs are not here: install pgpool2")
		}
		t.Skip("Pgpool-II's programs are not here (package pgpool2)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	d := &desk{Crew: crewtest.New(t), t: t, port: port, done: make(chan struct{})}
	d.Write(t, "pcp.conf", "pgpool:"+passwd.HashPCP("postgres")+"\n")
	d.Write(t, ".pcppass", "*:*:pgpool:postgres\n*:*:mallory:guess\n")
	conf := d.Write(t, "pgpool.conf", d.Text(append(lines, "pcp_listen_addresses = '127.0.0.1'", "pcp_port = "+port, "pcp_socket_dir = '"+d.Dir+"'", "use_watchdog = on")...))
	d.cmd = exec.Command("pcpd", "run", "--config", conf)
	d.cmd.Stderr = &d.log
	d.cmd.Env = append(os.Environ(), "TZ=UTC")
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.cmd.Wait(); close(d.done) }()
	d.end = sync.OnceFunc(d.stop)
	t.Cleanup(d.end)
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("unix", filepath.Join(d.Dir, ".s.PGSQL."+port))
		if err == nil {
			c.Close()
			return d
		}
		if time.Now().After(end) {
			t.Fatalf("pcpd does not serve: %v", err)
		}
	}
}

// stop has pcpd end, and looks whether it was well.
func (d *desk) stop() {
	d.t.Helper()
	d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(patience):
		d.cmd.Process.Signal(syscall.SIGQUIT) // for the goroutines in the log
		<-d.done
		d.t.Error("pcpd does not end")
	}
	if status := d.cmd.ProcessState.ExitCode(); status != 0 || d.t.Failed() {
		d.t.Logf("pcpd ended with status %d; its log:\n%s", status, &d.log)
	}
	if status := d.cmd.ProcessState.ExitCode(); status != 0 {
		d.t.Fail()
	}
}

// ask runs one of Pgpool-II's programs and returns what it prints, on both outputs.
func (d *desk) ask(host, program string, args ...string) string {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/usr/sbin/"+program, append([]string{"-w", "-U", "pgpool", "-h", host, "-p", d.port}, args...)...)
	cmd.Env = []string{"PCPPASSFILE=" + filepath.Join(d.Dir, ".pcppass"), "TZ=UTC", "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		d.t.Fatalf("%s %q: %v", program, args, err)
	}
	return string(out)
}

// TestPgpoolPrograms: what Pgpool-II's own programs ask is understood, and they understand the answers.
func TestPgpoolPrograms(t *testing.T) {
	d := newDesk(t, "recovery_timeout = 1")
	d.Serve(t, "pgwatch", crewtest.Watch)
	d.Serve(t, "pgrouter", crewtest.Router)
	done := func(program string) string { return program + " -- Command Successful\n" }
	for _, c := range []struct {
		args  string
		want  string
		asked string
	}{
		{"pcp_node_count", "2\n", ""},
		{"pcp_node_info 1", "db2 5433 1 0.750000 waiting up standby standby 4096 streaming async 2026-11-23 07:49:09\n", ""},
		{"pcp_node_info -a", "db1 5432 2 0.250000 up up primary primary 0 none none 2026-11-23 07:49:08\n" +
			"db2 5433 1 0.750000 waiting up standby standby 4096 streaming async 2026-11-23 07:49:09\n", ""},
		{"pcp_node_info 7", "ERROR:  informing node info failed\nDETAIL:  invalid node ID : 7\n\n", ""},
		{"pcp_health_check_stats 0", "0 db1 5432 up primary 2026-11-23 07:49:08 6 5 1 0 3 0.500000 2 55 17 28.500000 2026-11-23 07:49:07 2026-11-23 07:49:06  \n", ""},
		{"pcp_proc_count", "4190 4191 \n", ""},
		{"pcp_proc_info 4191", "test ann 2026-11-23 07:48:43 0 0 0   0  0 0 0 4191 0 Idle\n", ""},
		{"pcp_pool_status", "name : port\nvalue: 9999\ndesc : port for clients\n\nname : backend_hostname0\nvalue: db1\ndesc : \n\n", ""},
		{"pcp_watchdog_info", "3 3 NO db1:9999 Linux db1 db1\n\n" +
			"db2:9999 Linux db2 db2 9999 9000 7 STANDBY 0 MEMBER\ndb1:9999 Linux db1 db1 9999 9000 4 LEADER 0 MEMBER\nNot_Set w 9999 9000 8 LOST 0 MEMBER\n", ""},
		{"pcp_attach_node 1", done("pcp_attach_node"), `pgwatch node.attach {"node":1}`},
		{"pcp_attach_node 5", "ERROR:  process attach request failed\nDETAIL:  node id 5 is not valid\n\n", ""},
		{"pcp_detach_node 1", done("pcp_detach_node"), `pgwatch node.detach {"node":1,"reason":"asked for by PCP"}`},
		{"pcp_detach_node -g 1", done("pcp_detach_node"), `pgwatch node.detach {"node":1,"graceful":true,"reason":"asked for by PCP"}`},
		{"pcp_recovery_node 1", done("pcp_recovery_node"), `pgwatch recover {"node":1}`},
		{"pcp_promote_node -s 1", done("pcp_promote_node"), `pgwatch switchover {"to":1}`},
		{"pcp_promote_node 1", "ERROR:  invalid promote request\nDETAIL:  PostgreSQL of node 1 is no primary, and a name alone would not make it one: use pcp_promote_node --switchover (-s)\n\n", ""},
		{"pcp_promote_node -s -g 1", "ERROR:  could not process promote request\nDETAIL:  1 clients are still connected after recovery_timeout (1s)\n\n", ""},
		{"pcp_promote_node -s 0", "FATAL:  invalid promote request\nDETAIL:  specified node is already primary node, can't promote node id 0\n\n", ""},
		{"pcp_reload_config", done("pcp_reload_config"), `pgwatch crew.reload {"scope":"local"}`},
		{"pcp_reload_config -s cluster", done("pcp_reload_config"), `pgwatch crew.reload {"scope":"cluster"}`},
		{"pcp_stop_pgpool -m fast -s c", done("pcp_stop_pgpool"), `pgwatch crew.stop {"mode":"fast","scope":"cluster"}`},
	} {
		words := strings.Fields(c.args)
		hosts := []string{"127.0.0.1", d.Dir}
		if strings.HasPrefix(c.args, "pcp_stop") {
			hosts = hosts[1:]
		}
		for _, host := range hosts {
			d.Asked()
			if got := d.ask(host, words[0], words[1:]...); got != c.want {
				t.Errorf("%s at %s:\n%q, wanted\n%q", c.args, host, got, c.want)
			}
			if c.asked != "" && !slices.Contains(d.Asked(), c.asked) {
				t.Errorf("%s: nobody was asked for %s", c.args, c.asked)
			}
		}
	}
	select {
	case <-d.done:
	case <-time.After(patience):
		t.Error("pcpd goes on after it was stopped by a client")
	}
}

// TestLogin: who may not come in is told why, and waits when he has guessed often.
func TestLogin(t *testing.T) {
	d := newDesk(t)
	mismatch := "FATAL:  authentication failed for user \"mallory\"\nDETAIL:  username and/or password does not match\n\n"
	for range 4 {
		if got := d.ask("127.0.0.1", "pcp_node_count", "-U", "mallory"); got != mismatch {
			t.Fatalf("a wrong password: %q", got)
		}
	}
	if got := d.ask("127.0.0.1", "pcp_node_count", "-U", "mallory"); !strings.Contains(got, "after so many failures from 127.0.0.1 the next try counts in 1s") {
		t.Errorf("after five: %q", got)
	}
	if got := d.ask(d.Dir, "pcp_node_count"); got != "2\n" {
		t.Errorf("from another place: %q", got)
	}
	// A new user needs no reload, and a broken file no restart.
	d.Write(t, "pcp.conf", "# nobody\n")
	if got := d.ask(d.Dir, "pcp_node_count"); !strings.Contains(got, "does not match") {
		t.Errorf("without users: %q", got)
	}
	if err := os.Remove(filepath.Join(d.Dir, "pcp.conf")); err != nil {
		t.Fatal(err)
	}
	if got := d.ask(d.Dir, "pcp_node_count"); !strings.Contains(got, "the server cannot read its pcp.conf; its log says why") {
		t.Errorf("without a file: %q", got)
	}
	d.Write(t, "pcp.conf", "pgpool:"+passwd.HashPCP("postgres")+"\n")
	if got := d.ask(d.Dir, "pcp_node_count", "-d"); !strings.Contains(got, "\n2\n") {
		t.Errorf("mended: %q", got)
	}
	d.end()
	for _, words := range []string{"PCP login failed, the address must wait", "it has no user", "read pcp.conf: open "} {
		if !strings.Contains(d.log.String(), words) {
			t.Errorf("the log has no %q", words)
		}
	}
}

// TestRecoveryGoesOn: a recovery may take as long as it takes; others are served meanwhile, and it goes on when nobody
// waits for it.
func TestRecoveryGoesOn(t *testing.T) {
	d := newDesk(t)
	begun, finish, ended := make(chan struct{}, 2), make(chan struct{}), make(chan error, 2)
	d.Serve(t, "pgwatch", crewtest.With(crewtest.Watch, map[string]crewtest.Answer{
		"recover": crewtest.Func(func(ctx context.Context, _ control.Request) (any, error) {
			begun <- struct{}{}
			select {
			case <-finish:
			case <-ctx.Done():
			}
			ended <- ctx.Err()
			return nil, ctx.Err()
		})}))
	waits := exec.Command("/usr/sbin/pcp_recovery_node", "-w", "-U", "pgpool", "-h", d.Dir, "-p", d.port, "1")
	waits.Env = []string{"PCPPASSFILE=" + filepath.Join(d.Dir, ".pcppass")}
	if err := waits.Start(); err != nil {
		t.Fatal(err)
	}
	<-begun
	waits.Process.Kill()
	waits.Wait()
	answer := make(chan string)
	go func() { answer <- d.ask(d.Dir, "pcp_recovery_node", "1") }()
	<-begun
	if got := d.ask(d.Dir, "pcp_node_count"); got != "2\n" {
		t.Errorf("meanwhile: %q", got)
	}
	close(finish)
	for range 2 {
		if err := <-ended; err != nil {
			t.Errorf("a recovery was broken off: %v", err)
		}
	}
	if got := <-answer; got != "pcp_recovery_node -- Command Successful\n" {
		t.Errorf("the one who waits: %q", got)
	}
}

// TestHungTools: a pgwatch that does not answer delays, and the router's word is taken.
func TestHungTools(t *testing.T) {
	d := newDesk(t)
	d.Serve(t, "pgwatch", map[string]crewtest.Answer{"status": crewtest.Func(func(ctx context.Context, _ control.Request) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})})
	d.Serve(t, "pgrouter", crewtest.Router)
	want := "db2 5433 1 0.750000 waiting up standby standby 4096 streaming async 2026-11-23 07:49:09\n"
	if got := d.ask(d.Dir, "pcp_node_info", "1"); got != want {
		t.Errorf("%q, wanted %q", got, want)
	}
	if got := d.ask(d.Dir, "pcp_watchdog_info"); !strings.Contains(got, "ERROR:  PCP: informing watchdog info failed\nDETAIL:  pgwatch has not answered within 3s") {
		t.Errorf("%q", got)
	}
}

// TestCompat: programs of other versions get the fields that they know.
func TestCompat(t *testing.T) {
	for version, want := range map[string]string{
		"4.3": "db1 5432 2 0.250000 up up primary primary 0 none none 2026-11-23 07:49:08\n",
		"4.2": "Command Successful\n", // this program is of 4.3: a reply of 4.2 tells it nothing
	} {
		d := newDesk(t, fmt.Sprintf("pcp_compat = %s", version))
		d.Serve(t, "pgwatch", crewtest.Watch)
		if got := d.ask(d.Dir, "pcp_node_info", "0"); got != want && !strings.HasSuffix(got, " -- "+want) {
			t.Errorf("%s: %q, wanted %q", version, got, want)
		}
	}
}
