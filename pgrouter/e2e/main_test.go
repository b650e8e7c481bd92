package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// limit is how long a test waits for what must happen.
const limit = 60 * time.Second

// program is the pgrouter under test.
var program string

// direct tells that clients talk to the primary without a router between.
var direct = os.Getenv("PGCREW_E2E_DIRECT") == "1"

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pgrouter")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "pgrouter")
	args := []string{"build", "-o", program}
	if os.Getenv("PGCREW_E2E_RACE") == "1" {
		args = append(args, "-race")
	}
	if !direct {
		if out, err := exec.Command("go", append(args, "..")...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build pgrouter: %v\n%s", err, out)
			return 1
		}
	}
	defer lasting.end()
	return m.Run()
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
