package postmaster

import (
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A file that cannot be written whole, as on a full disk, leaves the old one in its place and nothing beside it.
func TestWriteWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	s := New(dir)
	if err := s.Write("postgresql.auto.conf", "a = '1'\n"); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 4, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	err := s.Write("postgresql.auto.conf", "a = '2'\n")
	if back := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); back != nil {
		t.Fatal(back)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "postgresql.auto.conf"))
	if err == nil || string(text) != "a = '1'\n" {
		t.Errorf("%v, the file is %q", err, text)
	}
	if all, _ := os.ReadDir(dir); len(all) != 1 {
		t.Errorf("left behind: %v", all)
	}
}
