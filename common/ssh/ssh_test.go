package ssh_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/freeport"
	"github.com/pgcrew/pgcrew/common/ssh"
	"github.com/pgcrew/pgcrew/common/ssh/sshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func dial(t *testing.T, to ssh.Target) *ssh.Client {
	t.Helper()
	c, err := ssh.Dial(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestRun(t *testing.T) {
	c := dial(t, sshtest.Start(t).Target("postgres"))
	var out, errs bytes.Buffer
	if err := c.Run(t.Context(), "id -un; cat; echo oops >&2; exit 7", ssh.Input{Text: strings.NewReader("input")}, &out, &errs); err == nil {
		t.Error("status 7 is no error")
	} else if e := new(ssh.ExitError); !errors.As(err, &e) || e.Status != 7 {
		t.Errorf("%v", err)
	}
	if out.String() != "postgres\ninput" || errs.String() != "oops\n" {
		t.Errorf("it said %q and %q", out.String(), errs.String())
	}
	if err := c.Run(t.Context(), "kill -TERM $$", ssh.Input{Text: strings.NewReader("")}, nil, nil); err == nil || !strings.Contains(err.Error(), "SIGTERM") {
		t.Errorf("a killed command: %v", err)
	}
}

// A command whose input is held learns of the end of its caller.
func TestInputEnds(t *testing.T) {
	c := dial(t, sshtest.Start(t).Target("postgres"))
	for _, how := range []string{"context", "connection"} {
		ctx, cancel := context.WithCancel(t.Context())
		w := &signal{seen: make(chan struct{})}
		ended := make(chan error, 1)
		go func() {
			ended <- c.Run(ctx, "echo ready; cat >/dev/null; echo ended >&2", ssh.Input{Text: strings.NewReader("x"), Hold: true}, w, w)
		}()
		<-w.seen
		if how == "context" {
			cancel()
		} else {
			c.Close()
		}
		if err := <-ended; how == "connection" && err == nil {
			t.Error("a lost connection is no error")
		}
		cancel()
	}
}

type signal struct{ seen chan struct{} }

func (s *signal) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("ready")) {
		close(s.seen)
	}
	return len(p), nil
}

func TestRefusals(t *testing.T) {
	s := sshtest.Start(t)
	s.Key(t, "other")
	s.Key(t, "locked", "-N", "secret")
	s.Write(t, "nonsense", "no key")
	other := strings.Fields(read(t, s.Path("other.pub")))
	s.Write(t, "changed", "[127.0.0.1]:"+strconv.Itoa(s.Port)+" "+other[0]+" "+other[1]+"\n")
	s.Write(t, "revoked", read(t, s.Path("known"))+"@revoked * "+strings.Join(strings.Fields(read(t, s.Path("host.pub")))[:2], " ")+"\n")
	s.Write(t, "broken", "[127.0.0.1]:22 ssh-ed25519 nonsense\n")
	closed := s.Target("postgres")
	closed.Port = freeport.Port(t)
	s.Write(t, "known2", strings.ReplaceAll(read(t, s.Path("known")), strconv.Itoa(s.Port), strconv.Itoa(closed.Port)))
	closed.KnownHosts = []string{s.Path("known2")}
	for name, c := range map[string]struct {
		change func(*ssh.Target)
		words  []string
	}{
		"unknown host": {func(to *ssh.Target) { to.KnownHosts = []string{s.Path("none")} }, []string{"ssh-keyscan -p", "ssh-keygen -lf"}},
		"changed key":  {func(to *ssh.Target) { to.KnownHosts = []string{s.Path("changed")} }, []string{"its key has changed", "ssh-keygen -R", s.Path("changed") + ":1"}},
		"revoked key":  {func(to *ssh.Target) { to.KnownHosts = []string{s.Path("revoked")} }, []string{"is revoked"}},
		"broken file":  {func(to *ssh.Target) { to.KnownHosts = []string{s.Path("broken")} }, []string{"read the known hosts", s.Path("broken")}},
		"wrong key":    {func(to *ssh.Target) { to.Key = s.Path("other") }, []string{"refuses user postgres", s.Path("other"), "ssh-copy-id"}},
		"wrong user":   {func(to *ssh.Target) { to.User = "nobody_here" }, []string{"refuses user nobody_here"}},
		"no key":       {func(to *ssh.Target) { to.Key = s.Path("none") }, []string{"read the private key", s.Path("none")}},
		"passphrase":   {func(to *ssh.Target) { to.Key = s.Path("locked") }, []string{"has a passphrase", "ssh-add"}},
		"nonsense key": {func(to *ssh.Target) { to.Key = s.Path("nonsense") }, []string{"is no private key"}},
		"closed port":  {func(to *ssh.Target) { *to = closed }, []string{"connection refused", "is sshd running"}},
	} {
		to := s.Target("postgres")
		c.change(&to)
		client, err := ssh.Dial(t.Context(), to)
		if err == nil {
			client.Close()
			t.Errorf("%s: logged in", name)
			continue
		}
		for _, w := range c.words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is not in: %v", name, w, err)
			}
		}
	}
}

// A host that accepts connections and says nothing does not hold us up.
func TestSilentHost(t *testing.T) {
	s := sshtest.Start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	to := s.Target("postgres")
	to.Port, to.Timeout = l.Addr().(*net.TCPAddr).Port, 50*time.Millisecond
	s.Write(t, "known", strings.ReplaceAll(read(t, s.Path("known")), strconv.Itoa(s.Port), strconv.Itoa(to.Port)))
	if _, err := ssh.Dial(t.Context(), to); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within") {
		t.Errorf("%v", err)
	}
}

// A key with a passphrase is used when an agent has it.
func TestAgent(t *testing.T) {
	s := sshtest.Start(t)
	socket := s.Path("agent")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { agent.Process.Signal(syscall.SIGTERM); agent.Wait() }()
	add := exec.Command("ssh-add", "-q", s.Path("id"))
	add.Env = []string{"SSH_AUTH_SOCK=" + socket, "PATH=/usr/bin"}
	for end := time.Now().Add(30 * time.Second); add.Run() != nil; add = again(add) {
		if time.Now().After(end) {
			t.Fatal("the agent does not take a key")
		}
		time.Sleep(10 * time.Millisecond)
	}
	to := s.Target("postgres")
	to.Key, to.Agent = "", socket
	t.Setenv("HOME", t.TempDir())
	c := dial(t, to)
	if err := c.Run(t.Context(), "true", ssh.Input{Text: strings.NewReader("")}, nil, nil); err != nil {
		t.Error(err)
	}
}

func again(c *exec.Cmd) *exec.Cmd {
	n := exec.Command(c.Path, c.Args[1:]...)
	n.Env = c.Env
	return n
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
