package postmaster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// process is a living process. A zombie is none.
type process struct {
	pid    int
	frozen bool // stopped by a signal: it obeys SIGKILL only
	family bool // it is PostgreSQL's, and works in the data directory
	main   bool // it is a postmaster, or a server in single-user mode
	logger bool // it is the logging collector, which is to outlive its postmaster and touches no data
}

var errGone = errors.New("there is no such process")

// look reads one process of /proc; dir is the data directory. The error is errGone when it does not live.
func look(pid int, dir os.FileInfo) (process, error) {
	p := process{pid: pid}
	if pid <= 0 {
		return p, errGone
	}
	at := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(at + "/stat")
	if err != nil {
		return p, errGone
	}
	// The second field is the command in parentheses and may hold anything.
	_, rest, _ := strings.Cut(string(stat[max(0, strings.LastIndexByte(string(stat), ')')):]), " ")
	fields := strings.Fields(rest)
	if len(fields) == 0 || fields[0] == "Z" || fields[0] == "X" {
		return p, errGone
	}
	p.frozen = strings.EqualFold(fields[0], "T")

	cwd, err := os.Stat(at + "/cwd")
	if err != nil {
		return p, hidden(at, dir, err)
	}
	if !os.SameFile(cwd, dir) {
		return p, nil
	}
	exe, err := os.Readlink(at + "/exe")
	if err != nil {
		return p, hidden(at, dir, err)
	}
	name := filepath.Base(strings.TrimSuffix(exe, " (deleted)")) // after an upgrade
	p.family = name == "postgres" || name == "edb-postgres"
	if p.family {
		// All but the postmaster say what they do in place of their arguments.
		args, err := os.ReadFile(at + "/cmdline")
		title, child := strings.CutPrefix(strings.TrimRight(string(args), " \x00"), "postgres: ")
		p.main = err == nil && title != "" && !child
		p.logger = child && (title == "logger" || strings.HasSuffix(title, ": logger")) // after cluster_name
	}
	return p, nil
}

// hidden judges a process whose folder cannot be read. A server runs as the owner of its data directory, so a process
// of another user is none of its. One of that user hides when it has privileges that we lack, as pgvip does to set
// addresses; then its name, which it cannot hide, must tell.
func hidden(at string, dir os.FileInfo, err error) error {
	if !errors.Is(err, os.ErrPermission) {
		return errGone
	}
	info, gone := os.Stat(at)
	if gone != nil {
		return errGone
	}
	if info.Sys().(*syscall.Stat_t).Uid != dir.Sys().(*syscall.Stat_t).Uid {
		return nil
	}
	name, gone := os.ReadFile(at + "/comm")
	if gone != nil {
		return errGone
	}
	switch strings.TrimSpace(string(name)) {
	case "postgres", "postmaster", "edb-postgres", "edb-postmaster":
		return err
	}
	return nil
}

// relatives lists the living processes of the server with a data directory, the postmaster included. The error says why
// they cannot be told.
func relatives(dir os.FileInfo) ([]process, error) {
	names, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var family []process
	for _, n := range names {
		pid, err := strconv.Atoi(n.Name())
		if err != nil {
			continue
		}
		p, err := look(pid, dir)
		switch {
		case errors.Is(err, errGone):
		case err != nil:
			return nil, fmt.Errorf("process %d may be its own, and cannot be looked at: %w", pid, err)
		case p.family:
			family = append(family, p)
		}
	}
	return family, nil
}
