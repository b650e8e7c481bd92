package postmaster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// pgtest waits for its servers, which may end after the last test.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/pgcrew/pgcrew/common/pgtest.(*Server).launch.func1"))
}

// limit bounds waits for what should come at once.
const limit = 60 * time.Second

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// until looks until the server is as wanted.
func until(t *testing.T, s *Server, want Presence) State {
	t.Helper()
	var got State
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got = s.Look(); got.Postmaster == want {
			return got
		}
	}
	t.Fatalf("waited %v for %s, and it is %+v", limit, want, got)
	return got
}

// busy starts a session with a statement that takes a minute, and returns what ends when the session does. The session
// is in the statement already.
func busy(t *testing.T, p *pgtest.Server) <-chan error {
	t.Helper()
	p.Exec(t, "CREATE TABLE IF NOT EXISTS written (n bigint)")
	ctx := within(t)
	c, err := pgconn.Connect(ctx, p.ConnString("postgres", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(ctx) })
	done := make(chan error, 1)
	go func() {
		// pg_sleep would end with the postmaster, and so would a wait for anything else. Computing does not.
		_, err := c.Exec(ctx, "INSERT INTO written SELECT sum(n % 7) FROM (SELECT generate_series(1, 2000000000) AS n) AS one_by_one").ReadAll()
		done <- err
	}()
	p.Until(t, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT INTO written%'", "1")
	return done
}

// start starts a server that pgtest does not know to have ended.
func start(t *testing.T, p *pgtest.Server) {
	p.Stop(t, pgtest.Immediate)
	p.Start(t)
}

func TestOrphanOfAKilledPostmaster(t *testing.T) {
	p := pgtest.Primary(t)
	s := New(p.Data(""))
	st := s.Look()
	if st.Postmaster != Runs || st.PID == 0 || st.Stopped || st.Orphans != nil {
		t.Fatalf("got %+v", st)
	}
	session := busy(t, p)
	if err := s.Kill(within(t)); err == nil || !strings.Contains(err.Error(), "its postmaster runs") {
		t.Errorf("Kill of a server that runs: %v", err)
	}

	syscall.Kill(st.PID, syscall.SIGKILL)
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		// The others end by themselves.
		if st = s.Look(); st.Postmaster == Orphans && len(st.Orphans) == 1 {
			break
		}
		if st.Postmaster == Dead || time.Now().After(end) {
			t.Fatalf("a busy session is left behind, but the state is %+v", st)
		}
	}
	select {
	case err := <-session:
		t.Fatalf("the session has ended: %v", err)
	default:
	}
	if err := s.Kill(within(t)); err != nil {
		t.Fatal(err)
	}
	if st = s.Look(); st.Postmaster != Dead || st.Stopped {
		t.Errorf("after Kill: %+v", st)
	}
	if err := <-session; err == nil {
		t.Error("the session was answered")
	}
	if err := s.Kill(within(t)); err != nil {
		t.Errorf("Kill of the dead: %v", err)
	}
	start(t, p)
	if got := p.Query1(t, "SELECT count(*) FROM written"); got != "0" {
		t.Errorf("%s rows were written", got)
	}
}

func TestFrozenOrphanIsKilled(t *testing.T) {
	p := pgtest.Primary(t)
	s := New(p.Data(""))
	busy(t, p)
	p.Kill(t, syscall.SIGSTOP)
	pid := s.Look().PID
	syscall.Kill(pid, syscall.SIGKILL)
	if st := until(t, s, Orphans); len(st.Orphans) < 3 {
		t.Errorf("all processes are frozen, but only %v are left", st.Orphans)
	}
	if err := s.Kill(within(t)); err != nil {
		t.Fatal(err)
	}
	if st := s.Look(); st.Postmaster != Dead {
		t.Errorf("got %+v", st)
	}
}

func TestStop(t *testing.T) {
	freeze := func(t *testing.T, p *pgtest.Server) {
		p.Kill(t, syscall.SIGSTOP)
		dir, err := os.Stat(p.Data(""))
		if err != nil {
			t.Fatal(err)
		}
		pid := New(p.Data("")).Look().PID
		for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
			if main, err := look(pid, dir); err == nil && main.frozen {
				return
			}
			if time.Now().After(end) {
				t.Fatal("it does not freeze")
			}
		}
	}
	for name, c := range map[string]struct {
		mode     Mode
		patience time.Duration
		before   func(*testing.T, *pgtest.Server)
		clean    bool
	}{
		"fast":                         {Fast, limit, func(*testing.T, *pgtest.Server) {}, true},
		"fast, with a busy session":    {Fast, limit, func(t *testing.T, p *pgtest.Server) { busy(t, p) }, true},
		"immediate":                    {Immediate, limit, func(*testing.T, *pgtest.Server) {}, false},
		"no time":                      {Fast, 0, func(t *testing.T, p *pgtest.Server) { busy(t, p) }, false},
		"a frozen server obeys nobody": {Immediate, limit, freeze, false},
		"postmaster.pid was removed":   {Immediate, limit, func(t *testing.T, p *pgtest.Server) { os.Remove(p.Data("postmaster.pid")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := pgtest.Primary(t)
			s := New(p.Data(""))
			c.before(t, p)
			if err := s.Stop(within(t), c.mode, c.patience); err != nil {
				t.Fatal(err)
			}
			if st := s.Look(); st.Postmaster != Dead || st.Stopped != c.clean {
				t.Errorf("got %+v", st)
			}
			if err := s.Stop(within(t), c.mode, c.patience); err != nil {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

func TestStoppedStandby(t *testing.T) {
	_, standbys := pgtest.Cluster(t, 1)
	s := New(standbys[0].Data(""))
	if err := s.Stop(within(t), Fast, limit); err != nil {
		t.Fatal(err)
	}
	if st := s.Look(); st.Postmaster != Dead || !st.Stopped {
		t.Errorf("got %+v", st)
	}
}

// TestLoggerIsNoOrphan: the logging collector ends some time after the last of the others.
func TestLoggerIsNoOrphan(t *testing.T) {
	for name, conf := range map[string]string{"alone": "", "in a named cluster": "cluster_name = '15/main'\n"} {
		t.Run(name, func(t *testing.T) {
			p := pgtest.Primary(t, pgtest.Conf(conf+"logging_collector = on"))
			s := New(p.Data(""))
			dir, err := os.Stat(p.Data(""))
			if err != nil {
				t.Fatal(err)
			}
			// The server may be ready before its logger has said that it is one.
			var logger int
			for end := time.Now().Add(limit); logger == 0; time.Sleep(5 * time.Millisecond) {
				family, err := relatives(dir)
				if err != nil || time.Now().After(end) {
					t.Fatalf("no logger among %+v: %v", family, err)
				}
				if i := slices.IndexFunc(family, func(p process) bool { return p.logger }); i >= 0 {
					logger = family[i].pid
				}
			}
			syscall.Kill(logger, syscall.SIGSTOP)
			if err := s.Stop(within(t), Fast, limit); err != nil {
				t.Fatal(err)
			}
			if _, err := look(logger, dir); err != nil {
				t.Errorf("the frozen logger: %v", err)
			}
			if st := s.Look(); st.Postmaster != Dead || !st.Stopped {
				t.Errorf("got %+v", st)
			}
			syscall.Kill(logger, syscall.SIGCONT)
		})
	}
}

func TestPidFileOfAnother(t *testing.T) {
	p, other := pgtest.Primary(t), pgtest.Primary(t)
	s := New(p.Data(""))
	p.Kill(t, syscall.SIGKILL)
	foreign := New(other.Data("")).Look().PID
	for name, pid := range map[string]int{
		"of an earlier boot":         os.Getpid(),
		"another server's":           foreign,
		"a kernel thread's or init":  1,
		"nobody's":                   1<<22 - 1,
		"in single-user mode, ended": -(1<<22 - 1),
	} {
		text, err := os.ReadFile(p.Data("postmaster.pid"))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "\n")
		p.Write(t, "postmaster.pid", fmt.Sprintf("%d\n%s", pid, rest))
		if st := s.Look(); st.Postmaster != Dead {
			t.Errorf("%s: %+v", name, st)
		}
		if err := s.Stop(within(t), Immediate, limit); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if st := New(other.Data("")).Look(); st.Postmaster != Runs || st.PID != foreign {
		t.Errorf("the other server: %+v", st)
	}
}

func TestZombieIsDead(t *testing.T) {
	bin := pgtest.Bin(t)
	p := pgtest.Primary(t)
	p.Stop(t, pgtest.Immediate)
	dir, err := os.Stat(p.Data(""))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(bin+"/postgres", "--version")
	c.Dir = p.Data("")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Process.Pid))
		if strings.Contains(string(stat), ") Z ") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no zombie: %s", stat)
		}
	}
	if _, err := look(c.Process.Pid, dir); !errors.Is(err, errGone) {
		t.Errorf("got %v", err)
	}
}

func TestWatch(t *testing.T) {
	p := pgtest.Primary(t)
	s := New(p.Data(""))
	ctx, cancel := context.WithCancel(within(t))
	told := make(chan State, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Watch(ctx, 10*time.Millisecond, func(st State) { told <- st })
	}()
	next := func(want Presence) State {
		t.Helper()
		for {
			select {
			case st := <-told:
				if st.Postmaster == want {
					return st
				}
			case <-time.After(limit):
				t.Fatalf("waited %v for %s", limit, want)
			}
		}
	}
	pid := next(Runs).PID
	busy(t, p)
	syscall.Kill(pid, syscall.SIGKILL)
	next(Orphans)
	if err := s.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	next(Dead)
	start(t, p)
	next(Runs)
	p.Stop(t, pgtest.Fast)
	if st := next(Dead); !st.Stopped {
		t.Errorf("got %+v", st)
	}
	cancel()
	<-ended
}

func TestControl(t *testing.T) {
	p, standbys := pgtest.Cluster(t, 1)
	s := New(standbys[0].Data(""))
	id := p.Query1(t, "SELECT system_identifier FROM pg_control_system()")
	if c, err := s.Control(); err != nil || c.Timeline != 1 || c.Stopped || c.SystemID != id {
		t.Errorf("running: %+v, %v", c, err)
	}
	p.Kill(t, syscall.SIGKILL)
	standbys[0].Promote(t)
	syscall.Kill(s.Look().PID, syscall.SIGKILL)
	if err := s.Stop(within(t), Immediate, limit); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Control(); err != nil || c.Timeline != 2 || c.Stopped || c.SystemID != id {
		t.Errorf("killed right after its promotion: %+v, %v", c, err)
	}

	path := standbys[0].Data("global/pg_control")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[controlStateAt] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Control(); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("damaged: %+v, %v", c, err)
	}
	os.WriteFile(path, b[:100], 0o600)
	if c, err := s.Control(); err == nil {
		t.Errorf("cut off: %+v", c)
	}
}

func TestUnknown(t *testing.T) {
	folder := t.TempDir()
	for name, c := range map[string]struct{ dir, why string }{
		"none":        {"", "backend_data_directory"},
		"missing":     {folder + "/missing", "not a data directory"},
		"another one": {folder, "not a data directory"},
	} {
		if st := New(c.dir).Look(); st.Postmaster != Unknown || !strings.Contains(st.Why, c.why) {
			t.Errorf("%s: %+v", name, st)
		}
		if err := New(c.dir).Stop(within(t), Immediate, limit); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: Stop: %v", name, err)
		}
	}
	p := pgtest.Primary(t)
	pid := New(p.Data("")).Look().PID
	p.Write(t, "postmaster.pid", "garbage")
	if st := New(p.Data("")).Look(); st.Postmaster != Unknown || !strings.Contains(st.Why, "process number") {
		t.Errorf("garbage: %+v", st)
	}
	p.Write(t, "postmaster.pid", fmt.Sprintf("%d\n", pid))
}
