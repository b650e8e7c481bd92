package rewind

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// What pg_rewind removes of the node's WAL before the fork is back before the note goes, and the rest is as it leaves it.
func TestKeptWAL(t *testing.T) {
	const before, replaced, fork, own = "000000010000000000000002", "000000010000000000000003", "000000010000000000000004", "000000010000000000000005"
	data, work := pgtest.Folder(t), pgtest.Folder(t)
	wal, note := filepath.Join(data, "pg_wal"), filepath.Join(work, "writing")
	h, err := host.Local(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Run(t.Context(), host.Cmd{Args: []string{"mkdir", wal}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{before, replaced, fork, own, "00000001.history"} {
		if err := host.WriteFile(t.Context(), h, filepath.Join(wal, name), []byte("node"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const rewinds = `test -e "$2" && rm "$1"/* && echo primary >"$1/` + replaced + `"`
	args := []string{data, note, fork[8:], "sh", "-c", rewinds, "sh", wal, note}
	run := func() error { return h.Run(t.Context(), host.Cmd{Args: host.Shell(rewindScript, args...)}) }
	if err := run(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(wal)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{before, replaced}; !slices.Equal(names, want) {
		t.Errorf("there is %v, want %v", names, want)
	}
	for name, want := range map[string]string{before: "node", replaced: "primary\n"} {
		if got, err := os.ReadFile(filepath.Join(wal, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := os.Stat(note); err == nil {
		t.Error("the note is left")
	}

	args[5] = "exit 3"
	if err := run(); host.Status(err) != 3 {
		t.Errorf("status %d, want pg_rewind's: %v", host.Status(err), err)
	}
	if _, err := os.Stat(note); err != nil {
		t.Errorf("it was broken off, and the note is gone: %v", err)
	}
}
