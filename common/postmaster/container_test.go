package postmaster

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// inside names the data directory that the test looks at in a process namespace of its own.
const inside = "POSTMASTER_TEST_INSIDE"

// A container sees no process of the servers outside. That nothing is seen proves nothing there; that postmaster.pid is
// gone does.
func TestInAContainer(t *testing.T) {
	if dir := os.Getenv(inside); dir != "" {
		t.Logf("seen: %s", New(dir).Look().Postmaster)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("a process namespace needs root")
	}
	dir := t.TempDir()
	pidFile := filepath.Join(dir, "postmaster.pid")
	for name, text := range map[string]string{"PG_VERSION": "15\n", "postmaster.pid": "77777777\n" + dir + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []Presence{Unknown, Dead} {
		cmd := exec.Command("unshare", "--pid", "--fork", "--mount-proc", os.Args[0], "-test.run=^TestInAContainer$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "seen: "+string(want)+"\n") {
			t.Errorf("wanted %q: %v\n%s", want, err, out)
		}
		os.Remove(pidFile)
	}
}
