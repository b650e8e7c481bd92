package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/freeport"
)

// router is a pgrouter process in front of a cluster.
type router struct {
	dir  string // of its files and of its Unix socket
	port int
	cmd  *exec.Cmd
	log  *logText
	done chan struct{} // closed when the process has ended
}

// reads are the weights with which all balanced reads run on the standby, so that a test can tell where one went.
const reads = "backend_weight0 = 0\nbackend_weight1 = 1\n"

// spread are the weights with which both servers get reads.
const spread = "backend_weight0 = 1\nbackend_weight1 = 1\n"

// conf is the configuration for a cluster; later lines win over earlier ones.
func (r *router) conf(c *cluster, lines string) string {
	return fmt.Sprintf(`listen_addresses = '127.0.0.1'
port = %d
unix_socket_directories = '%s'
run_directory = '%s'
num_init_children = 200
max_pool = 4
backend_hostname0 = '%s'
backend_port0 = %d
backend_hostname1 = '%s'
backend_port1 = %d
backend_application_name1 = 'standby1'
sr_check_period = 1
sr_check_user = 'postgres'
sr_check_password = 'postgres'
shutdown_timeout = 5
%s`, r.port, r.dir, r.dir, c.primary.Host(), c.primary.Port(), c.standby.Host(), c.standby.Port(), lines)
}

// start runs pgrouter in front of a cluster, with lines added to its configuration and files (name, content, name,
// content) beside it, and waits until it serves, and balances reads if the lines say so. When the test ends the router must end well, too.
func start(t testing.TB, c *cluster, lines string, files ...string) *router {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pgre2e")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if direct {
		return &router{dir: c.primary.SocketDir(), port: c.primary.Port()}
	}
	r := &router{dir: dir, port: freeport.Port(t)}
	for i := 0; i < len(files); i += 2 {
		r.write(t, files[i], files[i+1])
	}
	r.write(t, "pgpool.conf", r.conf(c, lines))
	r.begin(t)
	if strings.Contains(lines, reads) || strings.Contains(lines, spread) {
		r.settle(t, c)
	}
	return r
}

func (r *router) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// launch starts the process.
func (r *router) launch(t testing.TB) {
	t.Helper()
	r.log, r.done = new(logText), make(chan struct{})
	r.cmd = exec.Command(program, "--config", filepath.Join(r.dir, "pgpool.conf"), "run")
	r.cmd.Stderr = r.log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.cmd.Wait(); close(r.done) }()
	t.Cleanup(func() { r.end(t) })
}

// begin starts the process and waits until it serves.
func (r *router) begin(t testing.TB) {
	t.Helper()
	r.launch(t)
	for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		conn, err := pgconn.Connect(ctx, r.dsn("postgres", "postgres"))
		if err == nil {
			conn.Close(ctx)
		}
		cancel()
		// An answer with an SQLSTATE is one too: the test may have shut the door for this user.
		var refused *pgconn.PgError
		if err == nil || errors.As(err, &refused) && refused.Code[:2] == "28" {
			return
		}
		if r.ended() || time.Now().After(end) {
			t.Fatalf("pgrouter does not serve: %v\n%s", err, r.log)
		}
	}
}

func (r *router) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// end stops a router that still runs, and looks whether it was well.
func (r *router) end(t testing.TB) {
	if !r.ended() {
		if status := r.stop(t); status != 0 {
			t.Errorf("pgrouter ended with status %d", status)
		}
	} else if status := r.cmd.ProcessState.ExitCode(); status != 0 {
		t.Errorf("pgrouter has ended by itself with status %d", status)
	}
	for _, bad := range []string{"panic", "DATA RACE", "fatal error"} {
		if strings.Contains(r.log.String(), bad) {
			t.Errorf("pgrouter's log has %q in it", bad)
		}
	}
	if t.Failed() {
		t.Logf("pgrouter's log:\n%s", r.log.tail(8192))
	}
}

// stop sends SIGTERM and returns the exit status.
func (r *router) stop(t testing.TB) int {
	r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.done:
	case <-time.After(limit):
		r.cmd.Process.Signal(syscall.SIGQUIT) // for the goroutines in the log
		<-r.done
		t.Errorf("pgrouter did not end within %v of SIGTERM", limit)
	}
	return r.cmd.ProcessState.ExitCode()
}

// logText is a log that is written and read at the same time.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logText) tail(n int) string {
	s := l.String()
	return s[max(0, len(s)-n):]
}
