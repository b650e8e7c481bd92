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
	words := SplitOptions(string(text))
	if len(words) == 0 {
		return nil, fmt.Errorf("how the server was started is not known: %s/postmaster.opts is empty", s.dir)
	}
	return words, nil
}

// SplitOptions reads the line of postmaster.opts: the program, and its arguments each in double quotes, within which
// nothing is escaped. It returns nil when there is no program.
func SplitOptions(line string) (words []string) {
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
	cmd.Env = Environment(os.Environ())
	if os.Geteuid() == 0 {
		owner := info.Sys().(*syscall.Stat_t)
		Become(cmd, owner.Uid, owner.Gid)
	}
	return cmd, nil
}

// Environment leaves out what libpq's and the server's variables would change.
func Environment(all []string) (env []string) {
	for _, v := range all {
		if !strings.HasPrefix(v, "PG") {
			env = append(env, v)
		}
	}
	return env
}

// Become makes a command of root run as another user, as after his login: with his groups, since the key of Debian's
// certificate is readable by one, and his home, where .pgpass and the keys of ssh are. cmd.Env must be set before.
func Become(cmd *exec.Cmd, uid, gid uint32) {
	credential := &syscall.Credential{Uid: uid, Gid: gid}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	u, err := user.LookupId(strconv.Itoa(int(uid)))
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
