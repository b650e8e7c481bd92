package postmaster

import (
	"os"
	"path/filepath"
	"testing"
)

// A process with more privileges than ours does not show its working directory. Its name decides whether it may be the
// server's.
func TestProcessThatHides(t *testing.T) {
	dir, err := os.Stat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, mine := range map[string]bool{"pgvip": false, "bash": false, "postgres": true, "postmaster": true, "edb-postgres": true} {
		at := t.TempDir()
		if err := os.WriteFile(filepath.Join(at, "comm"), []byte(name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := hidden(at, dir, os.ErrPermission); (got != nil) != mine {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if got := hidden(t.TempDir(), dir, os.ErrPermission); got != errGone {
		t.Errorf("a process that ended meanwhile: %v", got)
	}
}
