package arbiter

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// In a network of its own, a pair of interfaces has a link exactly while both are up.
func TestUp(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	runtime.LockOSThread() // it ends with this goroutine, and the namespace with it
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skip("no network namespace: ", err)
	}
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v %s", args, err, out)
		}
	}
	expect := func(want bool, names ...string) {
		t.Helper()
		// The kernel tells of a link up to a second after it has come or gone.
		for end := time.Now().Add(30 * time.Second); Up(names) != want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%v: up is %v", names, !want)
			}
		}
		word := Lost
		if want {
			word = Reached
		}
		if got := (Settings{Interfaces: names}).ask(t.Context()); got != word {
			t.Errorf("%v: %s", names, got)
		}
	}
	ip("link", "set", "lo", "up")
	ip("link", "add", "one", "type", "veth", "peer", "name", "two")
	expect(false, "one")
	expect(false, "any")
	expect(true, "lo")
	ip("link", "set", "one", "up")
	expect(false, "one", "any")
	ip("link", "set", "two", "up")
	expect(true, "one")
	expect(true, "any")
	expect(true, "nosuch", "two")
	expect(false, "nosuch")
	ip("link", "set", "two", "down")
	expect(false, "one", "two")
}
