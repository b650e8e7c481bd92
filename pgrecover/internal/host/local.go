package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/pgcrew/pgcrew/common/postmaster"
)

// local is this host.
type local struct {
	uid, gid uint32
}

// mercy is how long a program may take to end after it was asked to.
const mercy = 10 * time.Second

// Local returns this host, for one who is root or the owner of a data directory. Of a directory that is not there yet the
// owner is that of the nearest folder above it, or the user postgres when that is root.
func Local(dataDirectory string) (Host, error) {
	uid, gid, err := owner(dataDirectory)
	if err != nil {
		return nil, err
	}
	if me := os.Geteuid(); me != 0 && me != int(uid) {
		return nil, fmt.Errorf("%s belongs to user %d: run this as that user, or as root", dataDirectory, uid)
	}
	return local{uid, gid}, nil
}

func owner(path string) (uid, gid uint32, err error) {
	if !filepath.IsAbs(path) {
		return 0, 0, fmt.Errorf("the data directory %q is not an absolute path: set backend_data_directory", path)
	}
	info, err := os.Stat(path)
	for errors.Is(err, os.ErrNotExist) {
		path = filepath.Dir(path)
		info, err = os.Stat(path)
	}
	if err != nil {
		return 0, 0, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	if stat.Uid != 0 {
		return stat.Uid, stat.Gid, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, fmt.Errorf("%s belongs to root, under whom PostgreSQL does not run: %w", path, err)
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	group, groupErr := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(id), uint32(group), errors.Join(err, groupErr)
}

// Name implements Host.
func (l local) Name() string { return "this host" }

// Close implements Host.
func (l local) Close() error { return nil }

// Run implements Host.
func (l local) Run(ctx context.Context, c Cmd) error {
	args := c.script()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = postmaster.Environment(os.Environ())
	if os.Geteuid() == 0 {
		postmaster.Become(cmd, l.uid, l.gid)
	}
	cmd.Stdin, cmd.Stdout = c.Stdin, c.Stdout
	said := &said{progress: c.Progress}
	cmd.Stderr = said
	cmd.WaitDelay = mercy
	if c.Stdin != nil {
		return failed(ctx, l, c, cmd.Run(), said)
	}
	guard, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.Cancel = guard.Close
	if err = cmd.Start(); err == nil {
		io.WriteString(guard, c.Password+"\n") // the status tells whether it was read
		err = cmd.Wait()
	}
	return failed(ctx, l, c, err, said)
}

// failed makes the error of a program.
func failed(ctx context.Context, h Host, c Cmd, err error, said *said) error {
	if err == nil {
		return nil
	}
	e := &Error{Host: h.Name(), Command: c.String(), Status: -1, Said: said.String(), Err: err}
	var status interface{ ExitStatus() int }
	var local *exec.ExitError
	switch {
	case ctx.Err() != nil:
		e.Err = context.Cause(ctx)
	case errors.As(err, &local):
		e.Status = local.ExitCode()
	case errors.As(err, &status):
		e.Status = status.ExitStatus()
	}
	return e
}
