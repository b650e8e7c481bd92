package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// template is an initialised data directory that every primary without initdb arguments is copied from.
var template = sync.OnceValues(func() (string, error) {
	p, err := programsOnce()
	if err != nil {
		return "", err
	}
	dir, err := newFolder(p)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "data"), runInitdb(p, dir, nil)
})

func (s *Server) initdb() error {
	if s.opts.initdb != nil {
		return runInitdb(s.progs, s.dir, s.opts.initdb)
	}
	from, err := template()
	if err != nil {
		return err
	}
	cp := s.progs.command("cp", "-a", "--reflink=auto", from, s.dir)
	cp.Path = "/bin/cp"
	if out, err := cp.CombinedOutput(); err != nil {
		return fmt.Errorf("copy the template of a primary to %s: %w: %s", s.dir, err, out)
	}
	return nil
}

func runInitdb(p programs, dir string, args []string) error {
	pw := filepath.Join(dir, "password")
	if err := os.WriteFile(pw, []byte(Password+"\n"), 0o600); err != nil {
		return err
	}
	if err := p.own(pw); err != nil {
		return err
	}
	all := append([]string{"-D", filepath.Join(dir, "data"), "-U", "postgres", "--pwfile", pw, "--no-sync",
		"-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256"}, args...)
	if out, err := p.command("initdb", all...).CombinedOutput(); err != nil {
		return fmt.Errorf("initdb in %s: %w: %s", dir, err, out)
	}
	return nil
}

// Standby makes a standby of this server by pg_basebackup and starts it; it streams under its name and with a slot of
// its own. It may be called on a standby too, which makes a cascade. It returns when the standby answers queries.
func (s *Server) Standby(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s.mu.Lock()
	s.standbys++
	name := fmt.Sprintf("standby%d", s.standbys)
	s.mu.Unlock()
	if s.opts.name != "primary" {
		name = s.name + "_" + name
	}

	n := newServer(t, options{name: name, conf: s.opts.conf, hba: s.opts.hba}, opts)
	conninfo := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres password=%s application_name=%s", s.port, Password, n.name)
	args := []string{"-D", n.Data(""), "-d", conninfo, "-c", "fast", "-X", "stream", "--no-sync"}
	if !n.opts.noSlot {
		args = append(args, "-S", n.name)
		if s.progs.major >= 11 {
			args = append(args, "-C")
		} else {
			s.Exec(t, fmt.Sprintf("SELECT pg_create_physical_replication_slot('%s', true)", n.name))
		}
	}
	if out, err := n.progs.command("pg_basebackup", args...).CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup of %s for %s: %v: %s", s.name, n.name, err, out)
	}
	n.configure(t)
	n.follow(t, s)
	n.begin(t)
	return n
}

// follow makes a standby of the files, and writes where it streams from.
func (s *Server) follow(t testing.TB, from *Server) {
	t.Helper()
	text := fmt.Sprintf("primary_conninfo = 'host=127.0.0.1 port=%d user=postgres password=%s application_name=%s'\n",
		from.port, Password, s.name)
	if !s.opts.noSlot {
		text += fmt.Sprintf("primary_slot_name = '%s'\n", s.name)
	}
	if s.progs.major < 12 {
		s.Write(t, "recovery.conf", "standby_mode = on\nrecovery_target_timeline = 'latest'\n"+text)
		return
	}
	s.Write(t, "standby.signal", "")
	s.Write(t, "postgresql.auto.conf", text)
}
