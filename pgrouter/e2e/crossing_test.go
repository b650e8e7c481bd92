package e2e

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// freeze stops the router's process until thaw, so that what a client sends and what a server says meet in it.
func (r *router) freeze(t testing.TB) (thaw func()) {
	t.Helper()
	r.cmd.Process.Signal(syscall.SIGSTOP)
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
		if err != nil || time.Now().After(end) {
			t.Fatalf("pgrouter does not stop: %v", err)
		}
		if strings.Contains(string(text), "State:\tT") {
			break
		}
	}
	return func() { r.cmd.Process.Signal(syscall.SIGCONT) }
}

// TestStatementCrossesTheEnd: a statement that was sent to a server connection which had just ended. In the extended
// protocol it is sure that it has not begun, and it runs, once, on another connection; of a simple Query that was sent
// already it is not, and its session ends with the server's reason.
func TestStatementCrossesTheEnd(t *testing.T) {
	needRouter(t)
	c := newCluster(t)
	c.exec(t, "CREATE TABLE crossed (what text)")
	r := start(t, c, reads+"failover_wait = 600\n")
	terminate := func(t *testing.T, pid string) (again func()) {
		c.primary.Exec(t, "SELECT pg_terminate_backend("+pid+")")
		c.primary.Until(t, "SELECT count(*) FROM pg_stat_activity WHERE pid = "+pid, "0")
		return func() {}
	}
	stop := func(t *testing.T, pid string) (again func()) {
		c.primary.Stop(t, pgtest.Fast)
		return func() {
			r.state(t, 0, "down")
			c.primary.Start(t)
		}
	}
	for _, test := range []struct {
		name     string
		end      func(t *testing.T, pid string) (again func())
		extended bool
		prepared bool // on the primary already
	}{
		{"terminated", terminate, true, true},
		{"stopped", stop, true, true},
		{"terminated before it is prepared there", terminate, true, false},
		{"stopped before it is prepared there", stop, true, false},
		{"terminated before a Query", terminate, false, true},
		{"stopped before a Query", stop, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := r.raw(t)
			s.send(t, query("SET my.own = 'mine'"))
			s.until(t, "ready")
			s.send(t, parse("INSERT INTO crossed VALUES ($1 || current_setting('my.own'))", "into"), syncNow())
			s.until(t, "ready")
			if test.prepared {
				s.send(t, bind("into", "before "), execute(), syncNow())
				s.until(t, "ready")
			}
			s.send(t, query("SELECT pg_backend_pid() FROM items WHERE id = 1 AND forced()"))
			pid := strings.TrimPrefix(s.until(t, "ready")[1], "row ")
			thaw := r.freeze(t)
			if test.extended {
				s.send(t, bind("into", test.name), execute(), syncNow())
			} else {
				s.send(t, query("INSERT INTO crossed VALUES ('"+test.name+"mine')"))
			}
			again := test.end(t, pid)
			thaw()
			again()
			wanted := "1"
			if test.extended {
				s.receive(t, "the statement", "BindComplete", "done INSERT 0 1", "ready I")
				s.send(t, bind("into", "another "), execute(), syncNow())
				s.receive(t, "the next one", "BindComplete", "done INSERT 0 1", "ready I")
			} else {
				// Which of the two pgrouter sees first is not the test's to say.
				got := s.toEnd(t, "ready")
				switch got {
				case "error 57P01; end":
					wanted = "0"
				case "done INSERT 0 1; ready I":
				default:
					t.Errorf("the statement: got %s", got)
				}
			}
			want(t, "how often it ran", c.primary.Query1(t, "SELECT count(*) FROM crossed WHERE what = '"+test.name+"mine'"), wanted)
		})
	}
}

// TestRestartsUnderLoad: while the primary is restarted again and again, no statement runs twice, and none that was
// answered is lost.
func TestRestartsUnderLoad(t *testing.T) {
	needRouter(t)
	if testing.Short() {
		t.Skip("-short")
	}
	c := newCluster(t)
	c.exec(t, "CREATE TABLE loaded (who int, what int)")
	r := start(t, c, reads+"failover_wait = 60\n")
	var done atomic.Bool
	var wg sync.WaitGroup
	var answered, lost atomic.Int64
	for who := range 8 {
		wg.Go(func() {
			var p *pgx.Conn
			for what := 0; !done.Load(); what++ {
				if p == nil || p.IsClosed() {
					var err error
					if p, err = pgx.Connect(within(t), r.dsn("postgres", "postgres")); err != nil {
						p = nil
						time.Sleep(10 * time.Millisecond)
						continue
					}
				}
				if _, err := p.Exec(within(t), "INSERT INTO loaded VALUES ($1, $2)", who, what); err != nil {
					lost.Add(1)
					continue
				}
				answered.Add(1)
			}
			if p != nil {
				p.Close(within(t))
			}
		})
	}
	for range 4 {
		before := answered.Load()
		for end := time.Now().Add(limit); answered.Load() < before+200; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Error("nothing is answered any more")
				break
			}
		}
		c.primary.Restart(t)
	}
	done.Store(true)
	wg.Wait()
	t.Logf("%d statements answered, %d lost", answered.Load(), lost.Load())
	want(t, "statements that ran twice", c.primary.Query1(t, "SELECT count(*) FROM (SELECT FROM loaded GROUP BY who, what HAVING count(*) > 1) d"), "0")
	var ran int64
	fmt.Sscan(c.primary.Query1(t, "SELECT count(*) FROM loaded"), &ran)
	if ran < answered.Load() || ran > answered.Load()+lost.Load() {
		t.Errorf("%d statements ran, %d were answered and %d lost", ran, answered.Load(), lost.Load())
	}
}
