// Package sshtest starts real SSH servers for tests, each on a port of loopback with keys and settings of its own.
package sshtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/freeport"
	"github.com/pgcrew/pgcrew/common/ssh"
)

// A Server is an sshd that ends with its test. It lets the users of this host in, by the key of Target.
type Server struct {
	Dir  string // of its files, and of the key
	Port int
	cmd  *exec.Cmd
	done chan struct{}
}

// limit is how long sshd may take to answer.
const limit = 30 * time.Second

// Start starts a server, or skips the test where there is none or where we are not root, as whom alone it can become
// another user.
func Start(t testing.TB) *Server {
	t.Helper()
	sshd, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("a test of SSH needs /usr/sbin/sshd, and root")
	}
	s := &Server{Dir: folder(t)}
	s.Key(t, "host")
	s.Key(t, "id")
	public := s.read(t, "id.pub")
	s.Write(t, "authorized", public)
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	for try := 1; ; try++ {
		s.Port = freeport.Port(t)
		s.Write(t, "config", s.config())
		if s.run(t, sshd) {
			break
		}
		if try == 5 {
			t.Fatalf("sshd does not answer: %s", s.read(t, "log"))
		}
	}
	s.Write(t, "known", fmt.Sprintf("[127.0.0.1]:%d %s", s.Port, s.read(t, "host.pub")))
	return s
}

// Target logs in to it as a user of this host.
func (s *Server) Target(as string) ssh.Target {
	return ssh.Target{Host: "127.0.0.1", Port: s.Port, User: as, Key: s.Path("id"), KnownHosts: []string{s.Path("known")}, Timeout: limit}
}

// Path is that of one of its files.
func (s *Server) Path(name string) string { return filepath.Join(s.Dir, name) }

// Write writes one of its files, which only root can write and everybody can read.
func (s *Server) Write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(s.Path(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Key makes a pair of keys, NAME and NAME.pub.
func (s *Server) Key(t testing.TB, name string, options ...string) {
	t.Helper()
	args := append([]string{"-q", "-t", "ed25519", "-f", s.Path(name), "-C", name, "-N", ""}, options...)
	if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
}

// Stop ends the server and all its connections.
func (s *Server) Stop() {
	exec.Command("pkill", "-KILL", "-P", strconv.Itoa(s.cmd.Process.Pid)).Run()
	s.cmd.Process.Kill()
	<-s.done
}

// folder is one that every user can enter, as sshd and its users must.
func folder(t testing.TB) string {
	dir, err := os.MkdirTemp("/tmp", "sshtest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (s *Server) config() string {
	return fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nStrictModes no\nMaxSessions 50\nMaxStartups 100\n",
		s.Port, s.Path("host"), s.Path("authorized"))
}

// run starts sshd and waits for its greeting.
func (s *Server) run(t testing.TB, sshd string) bool {
	s.cmd = exec.Command(sshd, "-D", "-f", s.Path("config"), "-E", s.Path("log"))
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.done = make(chan struct{})
	go func() {
		s.cmd.Wait()
		close(s.done)
	}()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		select {
		case <-s.done:
			return false
		default:
		}
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)))
		if err == nil {
			conn.Close()
			t.Cleanup(s.Stop)
			return true
		}
	}
	return false
}

func (s *Server) read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
