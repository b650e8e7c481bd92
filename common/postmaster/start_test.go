package postmaster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

func TestSplitOptions(t *testing.T) {
	got := SplitOptions(`/usr/lib/postgresql/15/bin/postgres "-D" "/var/lib/a b" "-c" "config_file=/etc/x"` + "\n")
	want := []string{"/usr/lib/postgresql/15/bin/postgres", "-D", "/var/lib/a b", "-c", "config_file=/etc/x"}
	if !slices.Equal(got, want) || SplitOptions("") != nil || !slices.Equal(SplitOptions("/p"), []string{"/p"}) {
		t.Errorf("%q", got)
	}
}

// stopped is a server that ends with the test, whoever started it.
func stopped(t *testing.T) (*pgtest.Server, *Server) {
	p := pgtest.Primary(t)
	p.Stop(t, pgtest.Fast)
	s := New(p.Data(""))
	t.Cleanup(func() { s.Stop(within(t), Immediate, limit) })
	return p, s
}

// Debian keeps the configuration outside of the data directory.
func TestStartWithConfigurationElsewhere(t *testing.T) {
	p, s := stopped(t)
	etc := filepath.Join(filepath.Dir(p.Data("")), "e tc") // a blank must survive pg_ctl's shell
	if err := os.Mkdir(etc, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgresql.conf", "pgtest.conf"} {
		text, err := os.ReadFile(p.Data(name))
		if err == nil {
			err = os.WriteFile(filepath.Join(etc, name), text, 0o644)
		}
		if err == nil {
			err = os.Remove(p.Data(name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(etc, "postgresql.conf")
	p.Write(t, "postmaster.opts", filepath.Join(pgtest.Bin(t), "postgres")+` "-D" "`+p.Data("")+`" "-c" "config_file=`+conf+`" "-c" "cluster_name=it's"`+"\n")

	for range 2 { // the second time with what the server itself wrote
		if got, err := s.Setting(within(t), "wal_retrieve_retry_interval"); err != nil || got != "200" {
			t.Errorf("the setting would be %q, %v", got, err)
		}
		if err := s.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		if !s.Ready() || s.Look().Postmaster != Runs {
			t.Errorf("ready %v, %+v", s.Ready(), s.Look())
		}
		if got := p.Query1(t, "SHOW config_file") + " " + p.Query1(t, "SHOW cluster_name"); got != conf+" it's" {
			t.Errorf("it runs with %s", got)
		}
		if err := s.Start(within(t)); err == nil || !strings.Contains(err.Error(), "runs already") {
			t.Errorf("a second start: %v", err)
		}
		if err := s.Stop(within(t), Fast, limit); err != nil {
			t.Fatal(err)
		}
		if s.Ready() {
			t.Error("it is ready after its end")
		}
	}
}

func TestStartThatFails(t *testing.T) {
	p, s := stopped(t)
	p.Write(t, "postgresql.auto.conf", "nonsense = 1\n")
	if err := s.Start(within(t)); err == nil || !strings.Contains(err.Error(), `unrecognized configuration parameter "nonsense"`) {
		t.Errorf("%v", err)
	}
	if _, err := s.Setting(within(t), "port"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v", err)
	}
	os.Remove(p.Data("postmaster.opts"))
	if err := s.Start(within(t)); err == nil || !strings.Contains(err.Error(), "how the server was started is not known") {
		t.Errorf("%v", err)
	}
	if err := New(t.TempDir()).Start(within(t)); err == nil || !strings.Contains(err.Error(), "not a data directory") {
		t.Errorf("%v", err)
	}
}
