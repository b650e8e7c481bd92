package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// reaper ends what the test process left behind. It gets the folder of all our servers and reads its standard input,
// which ends with the test process, however that goes. A postmaster's working directory is its data directory, so a
// process number that now means something else is left alone.
const reaper = `
trap '' INT HUP TERM
cat >/dev/null
for f in "$1"/*/data/postmaster.pid; do
	read -r pid <"$f" || continue
	[ "$(readlink "/proc/$pid/cwd")" = "${f%/postmaster.pid}" ] && kill -QUIT "$pid" && kill -CONT "$pid"
done
n=0
while ! rm -rf "$1" && [ $n -lt 50 ]; do n=$((n+1)); sleep 0.1; done
`

// root returns the folder of all servers of this test process: short, since the path of a Unix socket may have only
// 107 bytes, and traversable for the server's user.
var root = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp(place(), "pgt")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	c := exec.Command("/bin/sh", "-c", reaper, "pgtest-reaper", dir)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Dir = "/"
	// The other end of this pipe is never closed by us: that is the kernel's part.
	if _, err := c.StdinPipe(); err != nil {
		return "", err
	}
	if err := c.Start(); err != nil {
		return "", fmt.Errorf("start the shell that cleans up behind the tests: %w", err)
	}
	keepReaper = c
	return dir, nil
})

// keepReaper holds the pipe to the reaper: a collected os.File would close it.
var keepReaper *exec.Cmd

// place returns where the folder of all servers is made, as the package comment says.
func place() string {
	if dir := os.Getenv("PGCREW_TEST_DIR"); dir != "" {
		return dir
	}
	const memory = "/dev/shm"
	// As many packages are tested at once as there are processors, and the servers of one take up to 512 MB.
	room := uint64(max(4, runtime.NumCPU())) << 29
	var fs unix.Statfs_t
	if err := unix.Statfs(memory, &fs); err != nil || fs.Type != unix.TMPFS_MAGIC || fs.Flags&unix.ST_NOEXEC != 0 ||
		fs.Bavail*uint64(fs.Bsize) < room || unix.Access(memory, unix.W_OK) != nil {
		return "/tmp"
	}
	return memory
}

var (
	folderMu sync.Mutex
	folders  int
)

// newFolder makes a folder for one server, owned by the server's user.
func newFolder(p programs) (string, error) {
	base, err := root()
	if err != nil {
		return "", err
	}
	folderMu.Lock()
	folders++
	dir := filepath.Join(base, fmt.Sprint(folders))
	folderMu.Unlock()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	return dir, p.own(dir)
}

// Folder makes a folder for a test, which is removed at its end. It belongs to the server's user, and is on the file system of
// the servers, so that a data directory of theirs can be moved there. Without a server the test is skipped.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := newFolder(need(t))
	if err != nil {
		t.Fatalf("make a folder: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
