package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run pgrouter as a program of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pgrouter": main})
}

// TestScripts runs testdata/*.txtar. $LAB is the folder with the lab's own files.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("LAB", labFiles(t))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": exitStatus},
	})
}
