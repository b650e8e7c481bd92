package promote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/pgcrew/pgcrew/common/postmaster"
)

// children are the processes that a process has started and that live.
func children(pid int) (list []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, f := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(f); err == nil {
			list = append(list, child)
		}
	}
	return list
}

// startup is the process that replays WAL, or 0.
func startup(postmaster int) int {
	for _, pid := range children(postmaster) {
		title, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.Contains(string(title), ": startup") {
			return pid
		}
	}
	return 0
}

// unblock ends the restore_command that replay waits for, from its innermost process on: a script around it then ends
// as it sees fit. It reports whether there was one.
func unblock(dir string) bool {
	found := false
	for next := children(startup(postmaster.New(dir).Look().PID)); len(next) > 0; {
		p := next[0]
		if next = append(next[1:], children(p)...); len(children(p)) == 0 {
			found = syscall.Kill(p, syscall.SIGTERM) == nil || found
		}
	}
	return found
}

// pgCtl promotes by pg_ctl. It is for a server that does not let us in.
func (s Server) pgCtl(ctx context.Context) (command string, err error) {
	srv := postmaster.New(s.DataDirectory)
	switch st := srv.Look(); {
	case st.Postmaster == postmaster.Unknown:
		return "", errors.New(st.Why)
	case st.Postmaster != postmaster.Runs:
		return "", fmt.Errorf("the server of %s does not run", s.DataDirectory)
	}
	cmd, err := srv.Command(ctx, "pg_ctl", "-D", s.DataDirectory, "-W", "promote")
	if err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return cmd.String(), fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return cmd.String(), nil
}
