package e2e

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// eachDoor runs a test for both ways to let a client in: by its server's method, and by pool_hba.conf.
func eachDoor(t *testing.T, f func(t *testing.T, lines string, files ...string)) {
	t.Run("by the server", func(t *testing.T) { f(t, "enable_pool_hba = off\n") })
	t.Run("by pool_hba.conf", func(t *testing.T) {
		f(t, "enable_pool_hba = on\n", "pool_hba.conf", "host all all 127.0.0.1/32 trust\n")
	})
}

// kinds counts application names, so that each login is of a kind that no server has answered before.
var kinds atomic.Int32

func (r *router) newKind() string {
	return fmt.Sprintf("%s application_name=kind%d", r.dsn("postgres", "postgres"), kinds.Add(1))
}

// TestLoginsWait: clients that come while all servers go away, and while they are away, get in when one is back.
func TestLoginsWait(t *testing.T) {
	needRouter(t)
	eachDoor(t, func(t *testing.T, lines string, files ...string) {
		c := newCluster(t)
		r := start(t, c, lines+"failover_wait = 600\nauthentication_timeout = 0\n", files...)
		entered := make(chan error, 200)
		begun := 0
		login := func() {
			begun++
			go func() {
				p, err := pgconn.Connect(within(t), r.newKind())
				if err == nil {
					p.Close(within(t))
				}
				entered <- err
			}()
		}
		gone := make(chan bool)
		go func() {
			defer close(gone)
			c.standby.Stop(t, pgtest.Immediate)
			c.primary.Stop(t, pgtest.Immediate)
		}()
		for stopped := false; !stopped && begun < 100; {
			login()
			select {
			case <-gone:
				stopped = true
			case <-time.After(2 * time.Millisecond):
			}
		}
		<-gone
		for range 5 {
			login()
		}
		c.primary.Start(t)
		for range begun {
			if err := <-entered; err != nil {
				t.Errorf("a login: %v", err)
			}
		}
		c.standby.Start(t)
	})
}

// TestLoginInVain: the wait has an end, and its reason names the nodes.
func TestLoginInVain(t *testing.T) {
	needRouter(t)
	eachDoor(t, func(t *testing.T, lines string, files ...string) {
		c := newCluster(t)
		r := start(t, c, lines+"failover_wait = 1\n", files...)
		c.standby.Stop(t, pgtest.Immediate)
		c.primary.Stop(t, pgtest.Immediate)
		e := refusal(t, r.newKind())
		want(t, "the refusal", e.Code+" "+e.Message, "57P03 no server is available")
		if !strings.Contains(e.Detail, "failover_wait (1s)") || !strings.Contains(e.Detail, "node ") {
			t.Errorf("the detail is %q", e.Detail)
		}
		c.primary.Start(t)
		c.standby.Start(t)
	})
}

// TestLoginWaitsNotForNothing: what the server refuses for good is refused at once, also with a long failover_wait.
func TestLoginWaitsNotForNothing(t *testing.T) {
	needRouter(t)
	eachDoor(t, func(t *testing.T, lines string, files ...string) {
		r := start(t, shared(t), lines+"failover_wait = 600\n", files...)
		want(t, "the refusal", refusal(t, r.dsn("no_such_database", "postgres")).Code, "3D000")
	})
}
