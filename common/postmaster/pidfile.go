package postmaster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// pidFile is what postmaster.pid says, zero where there is none. It outlives its server, and even the host's boot, so
// its process number alone means nothing. Its lines are described in PostgreSQL's pidfile.h.
type pidFile struct {
	there         bool
	pid           int
	shmKey, shmID int
	ready         bool // it lets clients in
}

func readPIDFile(dir string) (pidFile, error) {
	var f pidFile
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	f.there = true
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil && strings.TrimSpace(string(text)) != "" {
		return f, fmt.Errorf("%s/postmaster.pid does not begin with a process number but with %.40q", dir, lines[0])
	}
	f.pid = max(pid, -pid) // a server in single-user mode writes it negative
	if len(lines) > 6 {
		fmt.Sscan(lines[6], &f.shmKey, &f.shmID) // the line comes some time after the start
	}
	if len(lines) > 7 {
		// "ready", or "standby" of one that lets nobody in by hot_standby = off.
		status := strings.TrimSpace(lines[7])
		f.ready = status == "ready" || status == "standby"
	}
	return f, nil
}

// attached counts the processes that hold a System V shared memory segment; 0 when there is none, or it is not visible.
func attached(key, id int) int {
	if key == 0 {
		return 0
	}
	text, _ := os.ReadFile("/proc/sysvipc/shm")
	for line := range strings.Lines(string(text)) {
		// key shmid perms size cpid lpid nattch ...
		f := strings.Fields(line)
		if len(f) > 6 && f[0] == strconv.Itoa(key) && f[1] == strconv.Itoa(id) {
			n, _ := strconv.Atoi(f[6])
			return n
		}
	}
	return 0
}
