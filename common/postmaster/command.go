package postmaster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// options reads postmaster.opts, the command line of the server that runs or ran last: the program and its arguments.
func (s *Server) options() ([]string, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, "postmaster.opts"))
	if err != nil {
		return nil, fmt.Errorf("how the server was started is not known: %w", err)
	}
	words := splitOptions(string(text))
	if len(words) == 0 {
		return nil, fmt.Errorf("how the server was started is not known: %s/postmaster.opts is empty", s.dir)
	}
	return words, nil
}

// splitOptions reads the line of postmaster.opts: the program, and its arguments each in double quotes, within which
// nothing is escaped.
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

// Command prepares a program of the server's own version, such as pg_ctl, that runs as the owner of the data directory.
func (s *Server) Command(ctx context.Context, program string, args ...string) (*exec.Cmd, error) {
	words, err := s.options()
	if err != nil {
		return nil, err
	}
	info, err := s.stat()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(words[0]), program), args...)
	cmd.Dir = "/"
	cmd.Env = environment(os.Environ())
	if os.Geteuid() == 0 {
		become(cmd, info.Sys().(*syscall.Stat_t))
	}
	return cmd, nil
}

// environment leaves out what libpq's and the server's variables would change.
func environment(all []string) (env []string) {
	for _, v := range all {
		if !strings.HasPrefix(v, "PG") {
			env = append(env, v)
		}
	}
	return env
}

// become makes a command of root run as the owner of a file, as after his login: with his groups, since the key of
// Debian's certificate is readable by one, and his home, where .pgpass and the keys of ssh are.
func become(cmd *exec.Cmd, owner *syscall.Stat_t) {
	credential := &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	u, err := user.LookupId(strconv.Itoa(int(owner.Uid)))
	if err != nil {
		return
	}
	cmd.Env = append(cmd.Env, "HOME="+u.HomeDir, "USER="+u.Username, "LOGNAME="+u.Username)
	groups, err := u.GroupIds()
	if err != nil {
		return
	}
	for _, g := range groups {
		if id, err := strconv.ParseUint(g, 10, 32); err == nil {
			credential.Groups = append(credential.Groups, uint32(id))
		}
	}
}

// Setting asks the server's program what a setting would be if it was started as it was the last time: from all files
// that it reads, and its command line. The server need not run.
func (s *Server) Setting(ctx context.Context, name string) (string, error) {
	words, err := s.options()
	if err != nil {
		return "", err
	}
	// The last of several -D is taken.
	cmd, err := s.Command(ctx, filepath.Base(words[0]), append([]string{"-C", name, "-D", s.dir}, words[1:]...)...)
	if err != nil {
		return "", err
	}
	out, err := cmd.Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok && len(e.Stderr) > 0 {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(e.Stderr)))
		}
		return "", fmt.Errorf("ask for the setting %s: %w", name, err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}
