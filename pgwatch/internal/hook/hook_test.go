package hook

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestExpand(t *testing.T) {
	vars := map[string]string{"d": "0", "h": "a b", "m": "-1"}
	for command, want := range map[string]string{
		"/f.sh %d %h %m": "/f.sh 0 a b -1",
		"%%d %d%%":       "%d 0%",
		"[%x][%R]":       "[][]",
		"end %":          "end %",
		"":               "",
	} {
		if got := Expand(command, vars); got != want {
			t.Errorf("%q became %q, wanted %q", command, got, want)
		}
	}
}

func run(c Command) (string, error) {
	var out bytes.Buffer
	if c.Limit == 0 {
		c.Limit = time.Minute
	}
	c.Name = "failover_command"
	err := c.Run(context.Background(), slog.New(slog.NewTextHandler(&out, nil)))
	return out.String(), err
}

func TestRun(t *testing.T) {
	out, err := run(Command{Text: `echo "one $A"; read x; echo "two $x" >&2; printf three`, Env: []string{"A=a"}, Stdin: []byte("in\n")})
	for _, want := range []string{"one a", "two in", "three", "hook=failover_command"} {
		if !strings.Contains(out, want) {
			t.Errorf("the log lacks %q:\n%s", want, out)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

func TestStatus(t *testing.T) {
	if _, err := run(Command{Text: "exit 3"}); err == nil || !strings.Contains(err.Error(), "failover_command: exit status 3") {
		t.Errorf("it ended with %v", err)
	}
	if _, err := run(Command{Text: "/no/such/command"}); err == nil {
		t.Error("a command that is not there succeeded")
	}
	if out, _ := run(Command{Text: "head -c 100000 /dev/zero | tr '\\0' x; echo; echo after"}); !strings.Contains(out, "after") || len(out) > 10000 {
		t.Errorf("a long line made %d bytes of log", len(out))
	}
}

// What a command has started dies with it: a script that hangs in ssh must not promote anything later.
func TestLimitKillsTheGroup(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "late")
	_, err := run(Command{Text: "(sleep 3; touch " + fifo + ") & sleep 1000", Limit: 100 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "longer than 100ms") {
		t.Errorf("it ended with %v", err)
	}
	time.Sleep(4 * time.Second)
	if _, err := os.Stat(fifo); err == nil {
		t.Error("a part of it went on")
	}
}

// A command that leaves a daemon behind, as pg_ctl start does, has ended all the same.
func TestDaemonIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	_, err := run(Command{Text: "sleep 1000 & echo $! >" + dir + "/pid"})
	if err != nil {
		t.Error(err)
	}
	if pid, err := os.ReadFile(dir + "/pid"); err == nil {
		run(Command{Text: "kill " + string(pid)})
	}
}
