package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pidFile is a postmaster.pid of a server that lets clients in.
func pidFile(pid, since string) string {
	return pid + "\n/data\n" + since + "\n5432\n/tmp\n*\n  1 2\nready   \n"
}

// Start ends when the server lets clients in, however long the command goes on, and does not believe the file of a server that
// is dead.
func TestStartEndsWhenReady(t *testing.T) {
	hosts(t, func(t *testing.T, h Host, dir string) {
		write := func(name, text string) {
			if err := WriteFile(t.Context(), h, filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Error(err)
			}
		}
		write("postmaster.pid", pidFile("1", "100"))
		write("new", pidFile("1", "200"))
		// It goes on until the test lets it, which is when it has been left.
		const command = `cd "$1"; echo >begun; while [ ! -e up ]; do sleep 0.01; done; cp new postmaster.pid; while [ ! -e go ]; do sleep 0.01; done; echo >ended`
		begun := make(chan struct{})
		go func() {
			defer close(begun)
			until(t, filepath.Join(dir, "begun"))
			write("up", "")
		}()
		err := h.Run(t.Context(), Cmd{Args: Shell(startScript, append([]string{dir, ""}, Shell(command, dir)...)...)})
		<-begun
		if now, _ := os.ReadFile(filepath.Join(dir, "postmaster.pid")); err != nil || string(now) != pidFile("1", "200") {
			t.Errorf("%v, with %q", err, now)
		}
		write("go", "")
		until(t, filepath.Join(dir, "ended"))
	})
}

// until waits for a file.
func until(t *testing.T, name string) {
	t.Helper()
	for t.Context().Err() == nil {
		if _, err := os.Stat(name); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("there is no " + name)
}

// What keeps a server from starting is in its log, or is what the command says.
func TestStartFails(t *testing.T) {
	hosts(t, func(t *testing.T, h Host, dir string) {
		log := filepath.Join(dir, "log")
		command := Shell(`echo "no log" >&2; echo "in the log" >"$1"; exit 3`, log)
		for _, c := range []struct{ log, want string }{{"", "no log"}, {log, "in the log"}} {
			err := h.Run(t.Context(), Cmd{Args: Shell(startScript, append([]string{dir, c.log}, command...)...)})
			if Status(err) != 3 || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("%v, and not %q", err, c.want)
			}
		}
	})
}
