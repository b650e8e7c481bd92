package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/freeport"
)

// limit bounds every wait. It is generous because it only decides how long a broken test hangs.
const limit = 60 * time.Second

// process is a running postmaster; done closes when it has ended.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // valid after done
}

// Mode is how a server is asked to stop.
type Mode syscall.Signal

const (
	// Smart waits until the clients have left.
	Smart = Mode(syscall.SIGTERM)
	// Fast ends the sessions with an error and stops cleanly.
	Fast = Mode(syscall.SIGINT)
	// Immediate ends everything without a checkpoint, as a crash does; the sessions get a warning.
	Immediate = Mode(syscall.SIGQUIT)
)

// begin starts a new server on a free port. Another program may take a port between our look and the server's.
func (s *Server) begin(t testing.TB) {
	t.Helper()
	for try := 1; ; try++ {
		port, err := freeport.Find()
		if err != nil {
			t.Fatal(err)
		}
		s.port = port
		s.Write(t, "pgtest.conf", s.settings())
		err = s.start()
		if err == nil {
			return
		}
		if try == 5 || !strings.Contains(s.Log(), "Address already in use") {
			t.Fatalf("start %s: %v\n%s", s.name, err, s.Log())
		}
	}
}

// Start starts a stopped server again, with its port and data, and returns when it answers queries.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatalf("start %s: %v\n%s", s.name, err, s.Log())
	}
}

// StartAsync starts a stopped server and returns at once, while it may still recover.
func (s *Server) StartAsync(t testing.TB) {
	t.Helper()
	if err := s.launch(); err != nil {
		t.Fatalf("start %s: %v", s.name, err)
	}
}

func (s *Server) start() error {
	if err := s.launch(); err != nil {
		return err
	}
	p := s.running()
	for end := time.Now().Add(limit); time.Now().Before(end); {
		select {
		case <-p.done:
			s.forget(p)
			return fmt.Errorf("the server ended: %w", p.err)
		case <-time.After(5 * time.Millisecond):
		}
		if s.ready(p) {
			return nil
		}
	}
	return errors.New("the server is not ready after " + limit.String())
}

// ready reads the last line of postmaster.pid, where pg_ctl looks too.
func (s *Server) ready(p *process) bool {
	b, _ := os.ReadFile(s.Data("postmaster.pid"))
	lines := strings.Split(string(b), "\n")
	return len(lines) >= 8 && lines[0] == strconv.Itoa(p.cmd.Process.Pid) && strings.TrimSpace(lines[7]) == "ready"
}

func (s *Server) launch() error {
	if s.Running() {
		return errors.New("it runs already")
	}
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	c := s.progs.command("postgres", "-D", s.Data(""))
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		return err
	}
	p := &process{cmd: c, done: make(chan struct{})}
	go func() {
		p.err = c.Wait()
		close(p.done)
	}()
	s.mu.Lock()
	s.proc = p
	s.mu.Unlock()
	return nil
}

func (s *Server) running() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}

func (s *Server) forget(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == p {
		s.proc = nil
	}
}
