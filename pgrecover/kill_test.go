package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/common/tool"
)

// TestMain lets the tests run the program as one of its own.
func TestMain(m *testing.M) {
	if os.Getenv("PGRECOVER_AS_PROGRAM") != "" {
		os.Exit(run(os.Args[1:], tool.System()))
	}
	os.Exit(m.Run())
}

// program prepares the program with the rig's configuration.
func (r *rig) program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append(args, "--node", "1", "--config", r.file)...)
	cmd.Env = append(os.Environ(), "PGRECOVER_AS_PROGRAM=1")
	return cmd
}

// killedAfter runs the program, and kills it when the line of a step comes. ok is false when it ended before.
func (r *rig) killedAfter(t *testing.T, name string, args ...string) (ok bool) {
	t.Helper()
	return r.signalledAfter(t, syscall.SIGKILL, name, args...)
}

func (r *rig) signalledAfter(t *testing.T, signal os.Signal, name string, args ...string) (ok bool) {
	t.Helper()
	cmd := r.program(args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var s step.Step
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Error(err)
		}
		if s.Step == name {
			cmd.Process.Signal(signal)
			ok = true
			break
		}
	}
	io.Copy(io.Discard, out)
	cmd.Wait()
	t.Logf("%v after %s: %v %s", signal, name, ok, errs.String())
	return ok
}

// copying and after are the steps of a backup, in their order, until the new data is in its place, and from then on.
var (
	copying = []string{"plan", "layout", "login", "space", "slot", "progress", "copy", "settings", "stop", "swap"}
	after   = []string{"start", "stream", "clean"}
)

// Killed after any step, the same command does it. Here, one after the other; over SSH, where killing ends nothing there but by
// the end of the connection, after those that leave most behind.
func TestKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	oldNode(t, r, "")
	r.killed(t, copying, "--method", "backup", "--local")
	r.killed(t, after, "--local")
	r.recovers(t, "--local")
}

func TestKilledOverSSH(t *testing.T) {
	t.Parallel()
	_, more := overSSH(t)
	r := newRig(t, "")
	oldNode(t, r, more)
	r.killed(t, []string{"progress", "swap"}, "--method", "backup")
	r.recovers(t)
}

// killed kills a run after each step, and looks whether the primary is as it was.
func (r *rig) killed(t *testing.T, steps []string, args ...string) {
	t.Helper()
	for _, name := range steps {
		// Before the kill strikes, a run may have done the step that comes next. Only the last one is not done again then.
		if !r.killedAfter(t, name, append([]string{"run"}, args...)...) && name != "clean" {
			t.Errorf("it ended before %s", name)
		}
		if n := r.primary.Query1(t, "SELECT count(*) FROM f"); n != "10000" {
			t.Fatalf("the primary has %s rows", n)
		}
	}
}

// Killed in the middle of a copy, it leaves no program behind that goes on writing.
func TestKilledCopy(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	if !r.killedAfter(t, "progress", "run", "--local", "--rate", "1048576") {
		t.Fatal("it ended before")
	}
	r.recovers(t, "--local")
}

// The primary dies in the middle of a copy: the node is as it was, and the same command mends it later.
func TestPrimaryDies(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	cmd := r.program("run", "--local", "--to", "0", "--rate", "1048576")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), `"progress"`) {
	}
	r.primary.Stop(t, pgtest.Immediate)
	io.Copy(io.Discard, out)
	if err := cmd.Wait(); err == nil {
		t.Error("it succeeded")
	}
	r.primary.Start(t)
	r.recovers(t, "--local")
}

// A run that ends without a copy takes the slot away again that it has made, and no other one.
func TestEndedCopyLeavesNoSlot(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	end := func() {
		t.Helper()
		if !r.signalledAfter(t, syscall.SIGTERM, "progress", "run", "--local", "--rate", "1048576") {
			t.Fatal("it ended before")
		}
	}
	const slots = "SELECT count(*) FROM pg_replication_slots WHERE NOT temporary"
	end()
	if n := r.primary.Query1(t, slots); n != "0" {
		t.Errorf("%s slots are left", n)
	}
	r.primary.Exec(t, fmt.Sprintf("SELECT pg_create_physical_replication_slot('127_0_0_1_%d')", r.port))
	end()
	if n := r.primary.Query1(t, slots); n != "1" {
		t.Errorf("there are %s slots, and there was one before", n)
	}
	r.recovers(t, "--local")
}
