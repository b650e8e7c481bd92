package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Password is what the superuser postgres has, stored as a SCRAM verifier.
const Password = "postgres"

// Server is one PostgreSQL server of a test. Its methods may be called from several goroutines, but not Start, Stop
// and Kill of one server at the same time.
type Server struct {
	name     string
	progs    programs
	dir      string // our folder, and the Unix socket's
	port     int
	opts     options
	standbys int // made from this one, for their names

	mu   sync.Mutex
	proc *process // nil when it does not run
}

// Primary makes and starts a new primary that ends with the test.
func Primary(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := newServer(t, options{name: "primary"}, opts)
	if err := s.initdb(); err != nil {
		t.Fatal(err)
	}
	s.configure(t)
	s.begin(t)
	return s
}

// Cluster makes a primary and so many standbys that stream from it.
func Cluster(t testing.TB, standbys int, opts ...Option) (*Server, []*Server) {
	t.Helper()
	p := Primary(t, opts...)
	all := make([]*Server, standbys)
	for i := range all {
		all[i] = p.Standby(t)
	}
	return p, all
}

func newServer(t testing.TB, o options, opts []Option) *Server {
	t.Helper()
	for _, opt := range opts {
		opt(&o)
	}
	p := need(t)
	dir, err := newFolder(p)
	if err != nil {
		t.Fatalf("make a folder for %s: %v", o.name, err)
	}
	s := &Server{name: o.name, progs: p, dir: dir, opts: o}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", s.Log())
		}
		s.end()
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the folder of %s: %v", s.name, err)
		}
	})
	return s
}

// configure writes the settings of this server behind those of initdb or of the primary it was copied from.
func (s *Server) configure(t testing.TB) {
	t.Helper()
	hba := s.opts.hba
	if hba == "" {
		hba = "local all all trust\nhost all all all trust\n"
	}
	s.Write(t, "pg_hba.conf", "local all postgres trust\n"+
		"host replication postgres 127.0.0.1/32 scram-sha-256\n"+hba+"\n")
	for _, f := range s.opts.files {
		s.Write(t, f.name, string(f.data))
	}
	main, err := os.ReadFile(s.Data("postgresql.conf"))
	if err != nil {
		t.Fatal(err)
	}
	const include = "include 'pgtest.conf'\n"
	if !strings.Contains(string(main), include) {
		s.Write(t, "postgresql.conf", string(main)+include)
	}
}

// settings is pgtest.conf: quick and small, and with what replication, pg_rewind and slots need.
func (s *Server) settings() string {
	return fmt.Sprintf(`listen_addresses = '127.0.0.1'
port = %d
unix_socket_directories = '%s'
fsync = off
shared_buffers = 16MB
max_connections = 100
wal_level = replica
wal_log_hints = on
%s
max_wal_senders = 10
max_replication_slots = 10
hot_standby = on
wal_retrieve_retry_interval = 200ms
password_encryption = 'scram-sha-256'
log_line_prefix = '%%m [%%p] %%q%%u@%%d %%a '
lc_messages = 'C'
timezone = 'UTC'
%s`, s.port, s.dir, s.progs.keepWAL(4), s.opts.conf)
}

// Name returns the server's name in messages, which is a standby's application_name.
func (s *Server) Name() string { return s.name }

// Host returns the address the server listens on.
func (s *Server) Host() string { return "127.0.0.1" }

// Port returns the server's TCP port, which is also in the name of its Unix socket. It stays for the server's life.
func (s *Server) Port() int { return s.port }

// Addr returns host:port.
func (s *Server) Addr() string { return fmt.Sprintf("%s:%d", s.Host(), s.port) }

// SocketDir returns the folder of the Unix socket.
func (s *Server) SocketDir() string { return s.dir }

// Data returns the path of a file in the data directory, or of the directory itself for "".
func (s *Server) Data(name string) string { return filepath.Join(s.dir, "data", name) }

// Write replaces a file in the data directory. Reload or Start makes the server read it.
func (s *Server) Write(t testing.TB, name, text string) {
	t.Helper()
	path := s.Data(name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.progs.own(path); err != nil {
		t.Fatal(err)
	}
}

// Log returns the last 8 kB of the server's log, under its name.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.logFile())
	if err != nil {
		return fmt.Sprintf("no log of %s: %v", s.name, err)
	}
	if n := len(b) - 8192; n > 0 {
		b = b[n:]
	}
	return fmt.Sprintf("log of %s (port %d):\n%s", s.name, s.port, b)
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }
