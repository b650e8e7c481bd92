package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// cancel sends a cancel request for a session and waits until it has been taken.
func (r *router) cancel(t testing.TB, pid uint32, key []byte) {
	t.Helper()
	nc, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", r.port))
	if err != nil {
		t.Error(err)
		return
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(limit))
	b, err := (&pgproto3.CancelRequest{ProcessID: pid, SecretKey: key}).Encode(nil)
	if err != nil {
		t.Error(err)
		return
	}
	nc.Write(b)
	nc.Read(make([]byte, 1)) // the end
}

// TestCancel stops statements on each server, in a transaction and outside, and leaves the session usable.
func TestCancel(t *testing.T) {
	c := shared(t)
	r := start(t, c, reads)
	for _, test := range []struct{ name, begin, sql, after string }{
		{"on the primary", "", "SELECT pg_sleep(100), forced()", "ready I"},
		{"on the standby", "", "SELECT count(*) FROM generate_series(1, 100000000000)", "ready I"},
		{"in a transaction", "BEGIN; SELECT 1", "SELECT pg_sleep(100)", "ready E"},
		{"a lock that waits", "SET lock_timeout = 0", "SELECT pg_advisory_lock(1204)", "ready I"},
	} {
		t.Run(test.name, func(t *testing.T) {
			holder := r.connect(t)
			simple(t, holder, "SELECT pg_advisory_lock(1204)")
			s := r.raw(t)
			if test.begin != "" {
				s.send(t, query(test.begin))
				s.until(t, "ready")
			}
			s.send(t, query(test.sql))
			c.running(t, test.sql)
			r.cancel(t, s.pid, s.key)
			got := s.until(t, "ready")
			if !strings.Contains(strings.Join(got, "; "), "error 57014") || got[len(got)-1] != test.after {
				t.Fatalf("got %v", got)
			}
			if test.after == "ready E" {
				s.send(t, query("ROLLBACK"))
				s.receive(t, "rollback", "done ROLLBACK", "ready I")
			}
			s.send(t, query("SELECT 1"))
			s.receive(t, "afterwards", "columns 1", "row 1", "done SELECT 1", "ready I")
		})
	}
}

// TestCancelNeedsTheKey: neither a wrong key nor an unknown session does anything.
func TestCancelNeedsTheKey(t *testing.T) {
	c := shared(t)
	r := start(t, c, reads)
	s := r.raw(t)
	s.send(t, query("SELECT pg_sleep(1)"))
	c.running(t, "SELECT pg_sleep(1)")
	wrong := append([]byte(nil), s.key...)
	wrong[0]++
	r.cancel(t, s.pid, wrong)
	r.cancel(t, s.pid+1, s.key)
	s.receive(t, "not cancelled", "columns 1", "row ", "done SELECT 1", "ready I")
	r.cancel(t, s.pid, s.key) // nothing runs
	s.send(t, query("SELECT 1"))
	s.receive(t, "a cancel that came too late", "columns 1", "row 1", "done SELECT 1", "ready I")
}

// TestCancelStorm lets some clients cancel their own statements at random moments while the statements of others, over
// the same server connections, must never be hit.
func TestCancelStorm(t *testing.T) {
	r := start(t, shared(t), spread)
	ctx, stop := context.WithTimeout(context.Background(), 4*time.Second)
	if testing.Short() {
		ctx, stop = context.WithTimeout(context.Background(), time.Second)
	}
	defer stop()
	var wg sync.WaitGroup
	var cancelled, finished, innocent atomic.Int64
	for i := range 12 {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		wg.Go(func() {
			for ctx.Err() == nil {
				p, err := pgconn.Connect(within(t), r.dsn("postgres", "postgres"))
				if err != nil {
					t.Errorf("connect: %v", err)
					return
				}
				for n := 0; n < 20 && ctx.Err() == nil; n++ {
					var canceller sync.WaitGroup
					canceller.Go(func() {
						time.Sleep(time.Duration(random.IntN(4000)) * time.Microsecond)
						r.cancel(t, p.PID(), p.SecretKey())
					})
					sql := "SELECT pg_sleep(0.01)"
					if n%2 == 0 {
						sql = "SELECT 1"
					}
					err := p.Exec(within(t), sql).Close()
					switch code(err) {
					case "":
						finished.Add(1)
					case "57014":
						cancelled.Add(1)
					default:
						t.Errorf("%s: %v", sql, err)
					}
					if n%4 != 3 {
						canceller.Wait()
					} else {
						defer canceller.Wait() // it may come when the next client has the server connection
					}
				}
				p.Close(within(t))
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil {
				p, err := pgconn.Connect(within(t), r.dsn("postgres", "postgres"))
				if err != nil {
					t.Errorf("connect: %v", err)
					return
				}
				for n := 0; n < 20; n++ {
					if err := p.Exec(within(t), "SELECT pg_sleep(0.001)").Close(); err != nil {
						t.Errorf("a statement that nobody cancels: %v", err)
					}
					innocent.Add(1)
				}
				p.Close(within(t))
			}
		})
	}
	wg.Wait()
	t.Logf("%d statements cancelled, %d finished before, %d of others", cancelled.Load(), finished.Load(), innocent.Load())
	if cancelled.Load() == 0 || innocent.Load() == 0 {
		t.Error("the test has not tested anything")
	}
}
