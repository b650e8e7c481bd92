package tool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
)

// Config reads the configuration file that flags or environment name, and applies the tool's variables.
func (t *Tool) Config() (*config.Config, error) {
	c, err := t.Load()
	if err != nil {
		return nil, UsageError{err}
	}
	return c, nil
}

// Load is Config for those who go on to look for more that is wrong: with an error it returns what could be read, or
// nil when nothing could.
func (t *Tool) Load() (*config.Config, error) {
	path := t.Flags.Config
	if path == "" {
		path = config.Find()
	}
	c, err := config.Load(path)
	if c == nil {
		return nil, err
	}
	return c, errors.Join(err, c.Environment(t.Env, t.Environ))
}

// RunDirectory is where the control sockets are: run_directory, or, when the user may not have that one, the folder of
// the PostgreSQL sockets.
func RunDirectory(c *config.Config) string {
	dir := c.String("run_directory")
	if err := os.MkdirAll(dir, 0o755); err == nil && syscall.Access(dir, 2) == nil {
		return dir
	}
	if dirs := c.List("unix_socket_directories"); len(dirs) > 0 {
		return dirs[0]
	}
	return os.TempDir()
}

// Find calls f with each path at which the socket of a running program may be, until one is there.
func Find(c *config.Config, name string, f func(path string) error) error {
	var first error
	for _, dir := range append([]string{c.String("run_directory")}, c.List("unix_socket_directories")...) {
		err := f(filepath.Join(dir, name))
		if !control.Absent(err) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// Ask asks the running program whose socket has that name.
func Ask(ctx context.Context, c *config.Config, name, op string, args, result any) error {
	return Find(c, name, func(path string) error { return control.Call(ctx, path, op, args, result) })
}
