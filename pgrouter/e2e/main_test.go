package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/tooltest"
)

// limit is how long a test waits for what must happen.
const limit = 60 * time.Second

// program is the pgrouter under test.
var program string

// direct tells that clients talk to the primary without a router between.
var direct = os.Getenv("PGCREW_E2E_DIRECT") == "1"

func TestMain(m *testing.M) {
	run := func(bin string) int {
		defer lasting.end()
		program = filepath.Join(bin, "pgrouter")
		return m.Run()
	}
	if direct {
		os.Exit(run(""))
	}
	os.Exit(tooltest.WithPrograms([]string{"pgrouter"}, run))
}

// needRouter skips a test that has no meaning without a router.
func needRouter(t testing.TB) {
	if direct {
		t.Skip("PGCREW_E2E_DIRECT=1: there is no router")
	}
}

// lasting collects what has to end when all tests have ended.
var lasting cleanups

type cleanups struct {
	mu  sync.Mutex
	all []func()
}

func (c *cleanups) add(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, f)
}

func (c *cleanups) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.all) - 1; i >= 0; i-- {
		c.all[i]()
	}
}

// untilAllEnd is a test whose cleanups wait until all tests have ended, for what several tests share.
type untilAllEnd struct{ testing.TB }

func (untilAllEnd) Cleanup(f func()) { lasting.add(f) }
func (untilAllEnd) Failed() bool     { return false }
func (untilAllEnd) Errorf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
