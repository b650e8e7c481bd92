package pgtest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestClusterStreamsStopsAndStartsAgain(t *testing.T) {
	p, standbys := Cluster(t, 1)
	s := standbys[0]
	p.Exec(t, "CREATE TABLE t (n int); INSERT INTO t VALUES (42)")
	s.WaitReplay(t, p)
	if got := s.Query1(t, "SELECT n FROM t"); got != "42" {
		t.Errorf("the standby has %q, want 42", got)
	}
	if got := p.Query1(t, "SELECT application_name || ' ' || state FROM pg_stat_replication"); got != "standby1 streaming" {
		t.Errorf("the primary sends to %q, want standby1 streaming", got)
	}

	s.Stop(t, Fast)
	if c, err := net.DialTimeout("tcp", s.Addr(), time.Second); err == nil {
		c.Close()
		t.Error("the stopped standby's port still answers")
	}
	s.Start(t)

	p.Kill(t, syscall.SIGKILL)
	if p.Running() {
		t.Error("the primary runs after SIGKILL")
	}
	p.Start(t)
	p.Exec(t, "INSERT INTO t VALUES (43)")
	p.Until(t, "SELECT count(*) FROM pg_stat_replication", "1")

	p.Stop(t, Immediate)
	s.Promote(t)
	s.Exec(t, "INSERT INTO t VALUES (44)")
}

func TestFrozenServerAnswersAfterwards(t *testing.T) {
	p := Primary(t)
	p.Kill(t, syscall.SIGSTOP)
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatalf("the kernel does not accept for the frozen server: %v", err)
	}
	c.Close()
	p.Kill(t, syscall.SIGCONT)
	if got := p.Query1(t, "SELECT 7"); got != "7" {
		t.Errorf("got %q", got)
	}
}

func TestOptions(t *testing.T) {
	p := Primary(t, Name("odd"), Conf("max_connections = 17"), HBA("host all all all scram-sha-256"), InitDB("-k"),
		File("extra.conf", []byte("# nothing\n")))
	if got := p.Query1(t, "SHOW max_connections") + " " + p.Query1(t, "SHOW data_checksums"); got != "17 on" {
		t.Errorf("max_connections and data_checksums are %q, want 17 on", got)
	}
	p.Exec(t, "CREATE ROLE ann LOGIN PASSWORD 'secret'")
	ctx := context.Background()
	if c, err := pgconn.Connect(ctx, p.ConnString("postgres", "ann")+" password=wrong"); err == nil {
		c.Close(ctx)
		t.Error("a wrong password was accepted")
	}
	c, err := pgconn.Connect(ctx, p.ConnString("postgres", "ann")+" password=secret")
	if err != nil {
		t.Fatal(err)
	}
	c.Close(ctx)

	p.Write(t, "pg_hba.conf", "local all postgres trust\nhost all all all reject\n")
	p.Reload(t)
	if c, err := pgconn.Connect(ctx, p.ConnString("postgres", "postgres")); err == nil {
		c.Close(ctx)
		t.Error("pg_hba.conf was not read again")
	}
	if !strings.Contains(p.Log(), "log of odd") {
		t.Errorf("the log has no name: %s", p.Log())
	}
}

// TestNothingStaysBehindACrash runs this test binary once more and lets it die with a server up.
func TestNothingStaysBehindACrash(t *testing.T) {
	if note := os.Getenv("PGTEST_CRASH"); note != "" {
		p := Primary(t)
		os.WriteFile(note, []byte(p.Data("")), 0o600)
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	need(t)
	note := filepath.Join(t.TempDir(), "note")
	c := exec.Command(os.Args[0], "-test.run=^TestNothingStaysBehindACrash$")
	c.Env = append(os.Environ(), "PGTEST_CRASH="+note)
	out, err := c.CombinedOutput()
	if err == nil {
		t.Fatalf("the child did not die: %s", out)
	}
	data, err := os.ReadFile(note)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	base := filepath.Dir(filepath.Dir(string(data)))
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(base); os.IsNotExist(err) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is still there %v after the crash", base, limit)
		}
	}
}
