package pgtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Stop stops the server and waits until it has ended.
func (s *Server) Stop(t testing.TB, mode Mode) {
	t.Helper()
	p := s.running()
	if p == nil {
		t.Fatalf("stop %s: it does not run", s.name)
	}
	p.cmd.Process.Signal(syscall.Signal(mode))
	select {
	case <-p.done:
		s.forget(p)
	case <-time.After(limit):
		t.Fatalf("stop %s: still running after %v\n%s", s.name, limit, s.Log())
	}
}

// Kill sends a signal to every process of the server, as the death (SIGKILL) or the freezing (SIGSTOP, until SIGCONT)
// of its host would look. With SIGKILL it returns when all are gone.
func (s *Server) Kill(t testing.TB, sig syscall.Signal) {
	t.Helper()
	p := s.running()
	if p == nil {
		t.Fatalf("send %v to %s: it does not run", sig, s.name)
	}
	main := p.cmd.Process.Pid
	if sig == syscall.SIGKILL || sig == syscall.SIGSTOP {
		// A stopped postmaster cannot fork, so the list of its children stays complete.
		syscall.Kill(main, syscall.SIGSTOP)
	}
	family := append(children(main), main)
	for _, pid := range family {
		syscall.Kill(pid, sig)
	}
	if sig != syscall.SIGKILL {
		return
	}
	<-p.done
	s.forget(p)
	for end := time.Now().Add(limit); alive(family); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("kill %s: some of the processes %v are still there", s.name, family)
		}
	}
}

// Restart stops the server fast and starts it again.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t, Fast)
	s.Start(t)
}

// Reload makes the server read its configuration and waits until it has.
func (s *Server) Reload(t testing.TB) {
	t.Helper()
	before := s.Query1(t, "SELECT pg_conf_load_time()")
	s.Exec(t, "SELECT pg_reload_conf()")
	s.Until(t, "SELECT pg_conf_load_time() > '"+before+"'", "t")
}

// ReloadUpstream is Reload for a changed primary_conninfo. Before PostgreSQL 13 that counts from the start only, and it is Restart.
func (s *Server) ReloadUpstream(t testing.TB) {
	t.Helper()
	if s.progs.major < 13 {
		s.Restart(t)
		return
	}
	s.Reload(t)
}

// Running tells whether the server's process is there.
func (s *Server) Running() bool {
	p := s.running()
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// end stops the server at the end of a test, in whatever state it is.
func (s *Server) end() {
	p := s.running()
	if p == nil {
		return
	}
	family := children(p.cmd.Process.Pid)
	for _, pid := range append(family, p.cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGCONT)
	}
	p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.done:
	case <-time.After(limit):
		p.cmd.Process.Kill()
		<-p.done
	}
	s.forget(p)
}

// children lists the processes whose parent is pid.
func children(pid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var found []int
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		// The second field is the command in parentheses and may hold anything; the parent is the fourth.
		rest := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(rest) > 1 && rest[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			found = append(found, child)
		}
	}
	return found
}

// alive tells whether one of the processes exists and is not a zombie.
func alive(pids []int) bool {
	for _, pid := range pids {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			continue
		}
		rest := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(rest) > 0 && rest[0] != "Z" {
			return true
		}
	}
	return false
}
