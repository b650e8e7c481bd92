package tooltest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// execStart is the program that a unit runs.
var execStart = regexp.MustCompile(`(?m)^ExecStart=(/\S+)`)

// Units installs the units as make does, and has systemd read those of the tool: it must know every setting, and find the
// program where make install puts it. It runs in the tool's folder.
func Units(t *testing.T, tool string) {
	prefix := t.TempDir()
	if out, err := exec.Command("make", "-s", "-C", "..", "install-units", "DESTDIR=", "PREFIX="+prefix).CombinedOutput(); err != nil {
		t.Fatalf("make install-units: %v\n%s", err, out)
	}
	program := filepath.Join(prefix, "bin", tool)
	if err := os.Mkdir(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{"verify", "--man=no"} // the pages are not installed
	files, _ := filepath.Glob(tool + "*.s*")
	for _, file := range files {
		unit := filepath.Join(prefix, "lib/systemd/system", file)
		args = append(args, unit)
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(file) == ".service" {
			service(t, file, string(text), program)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("there is no systemd to read the units with")
		return
	}
	// What it does not know it only warns of.
	if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil || strings.Contains(string(out), prefix) {
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
}

// service looks for what systemd takes without a word, and what did harm under it.
func service(t *testing.T, file, text, program string) {
	if m := execStart.FindStringSubmatch(text); m == nil || m[1] != program {
		t.Errorf("%s starts %q, not %s", file, m, program)
	}
	for _, c := range []struct {
		has  string
		want bool
		why  string
	}{
		{"\nProcSubset=pid\n", false, "hides /proc/sys, and with it the boot id, without which no event of pgwatch is believed"},
		{"\nStandardError=journal\n", strings.Contains(text, "\nStandardOutput=null\n"), "standard error goes where standard output goes, unless it is said"},
		{"\nStartLimitIntervalSec=0\n", true, "or five failures within ten seconds are the last"},
		{"\nRestartPreventExitStatus=100\n", true, "a wrong configuration stays wrong"},
	} {
		if strings.Contains(text, c.has) != c.want {
			t.Errorf("%s has %q: %t, wanted %t: %s", file, c.has, !c.want, c.want, c.why)
		}
	}
}
