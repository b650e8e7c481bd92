// Package tooltest is what the tests of all tools have in common.
package tooltest

import (
	"errors"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Main lets scripts and tests run the tool as a program of its own. It is called by TestMain.
func Main(m *testing.M, name string, main func()) {
	testscript.Main(m, map[string]func(){name: main})
}

// Scripts runs testdata/*.txtar. vars are more environment variables, each as NAME=value.
func Scripts(t *testing.T, vars ...string) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(env *testscript.Env) error { env.Vars = append(env.Vars, vars...); return nil },
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"status": exitStatus},
	})
}

// exitStatus is the script command "status N program arguments...": the program must end with N, which testscript's own
// exec cannot tell. What it said is looked at by stdout and stderr as after exec.
func exitStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program arguments...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%v ended with status %d, wanted %d; it said: %s", args[1:], got, want, ts.ReadFile("stderr"))
	}
}
