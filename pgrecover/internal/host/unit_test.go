package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A cluster of Debian's is started by its unit where this user may, and by pg_ctlcluster where not, or where that was not done.
func TestDebianStart(t *testing.T) {
	const unit = "systemctl --no-ask-password --quiet start postgresql@15-main.service\n"
	const status, start = "pg_ctlcluster 15 main status\n", "pg_ctlcluster 15 main start -- -t 7\n"
	for _, c := range []struct{ name, systemctl, status, want string }{
		{"it may", "0", "0", unit + status},
		{"it may not", "4", "3", unit + start},
		{"in a chroot", "0", "3", unit + status + start},
	} {
		dir := t.TempDir()
		// Each program writes down how it was called.
		for name, exit := range map[string]string{"systemctl": c.systemctl, "pg_ctlcluster": "$([ \"$3\" != status ] || echo " + c.status + ")"} {
			script := "#!/bin/sh\necho " + name + ` "$@" >>"${0%/*}/calls"; exit ` + exit + "\n"
			if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		args := Shell(debianStart, "15", "main", "7")
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
		if err != nil || string(calls) != c.want {
			t.Errorf("%s: %v %s, and the calls were %q, not %q", c.name, err, out, calls, c.want)
		}
	}
}
