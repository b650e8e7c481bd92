package promote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// postmaster is the process that postmaster.pid of a data directory names, if it lives.
func postmaster(dir string) (pid int, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("no server runs there: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil || pid <= 0 {
		return 0, fmt.Errorf("%s/postmaster.pid names no process", dir)
	}
	if now, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err != nil || !same(now, dir) {
		return 0, fmt.Errorf("the server of %s does not run", dir)
	}
	return pid, nil
}

// same tells whether two names are one folder.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

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
	pid, err := postmaster(dir)
	if err != nil {
		return false
	}
	found := false
	for next := children(startup(pid)); len(next) > 0; {
		p := next[0]
		if next = append(next[1:], children(p)...); len(children(p)) == 0 {
			found = syscall.Kill(p, syscall.SIGTERM) == nil || found
		}
	}
	return found
}

// own makes a command of the server's own version that runs as the owner of the data directory.
func own(ctx context.Context, dir, bin string, args ...string) (*exec.Cmd, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "pg_ctl"), append([]string{"-D", dir}, args...)...)
	cmd.Dir = "/"
	if owner := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	return cmd, nil
}

// pgCtl promotes by pg_ctl. It is for a server that does not let us in.
func (s Server) pgCtl(ctx context.Context) (command string, err error) {
	if s.DataDirectory == "" {
		return "", errors.New("its data directory is not known (backend_data_directory)")
	}
	pid, err := postmaster(s.DataDirectory)
	if err != nil {
		return "", err
	}
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return "", err
	}
	cmd, err := own(ctx, s.DataDirectory, filepath.Dir(program), "-W", "promote")
	if err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return cmd.String(), fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return cmd.String(), nil
}

// startAgain starts a server that has fallen with the command line it had, which Debian needs: its configuration is not in the data
// directory.
func (s Server) startAgain(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(s.DataDirectory, "postmaster.opts"))
	if err != nil {
		return err
	}
	words := splitOptions(string(text))
	if len(words) == 0 {
		return fmt.Errorf("%s/postmaster.opts is empty", s.DataDirectory)
	}
	var options []string
	for _, w := range words[1:] {
		options = append(options, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
	}
	cmd, err := own(ctx, s.DataDirectory, filepath.Dir(words[0]), "-s", "-w", "-o", strings.Join(options, " "), "start")
	if err != nil {
		return err
	}
	if err := cmd.Run(); err != nil { // its output would be the server's as well, and never end
		return fmt.Errorf("%s: %w", cmd, err)
	}
	return nil
}

// splitOptions reads postmaster.opts: the program and its arguments, these each in double quotes.
func splitOptions(line string) (words []string) {
	line = strings.TrimSpace(line)
	program, rest, _ := strings.Cut(line, ` "`)
	if program == "" {
		return nil
	}
	words = append(words, program)
	if rest == "" {
		return words
	}
	return append(words, strings.Split(strings.TrimSuffix(rest, `"`), `" "`)...)
}
