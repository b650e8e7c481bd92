package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/pgrouter/internal/proxy"
)

// controlName is the file name of the control socket.
const controlName = "pgrouter.sock"

// runDirectory is run_directory, or, when the user may not have that one, the folder of the PostgreSQL sockets.
func runDirectory(c *config.Config) string {
	dir := c.String("run_directory")
	if err := os.MkdirAll(dir, 0o755); err == nil && syscall.Access(dir, 2) == nil {
		return dir
	}
	if dirs := c.List("unix_socket_directories"); len(dirs) > 0 {
		return dirs[0]
	}
	return os.TempDir()
}

// serveControl answers pgrouter status, until Close.
func serveControl(ctx context.Context, c *config.Config, r *proxy.Router, log *slog.Logger) (*control.Server, error) {
	s, err := control.Listen(filepath.Join(runDirectory(c), controlName), 0o660)
	if err != nil {
		return nil, err
	}
	go func() {
		err := s.Serve(ctx, func(ctx context.Context, from control.Peer, q control.Request) (any, error) {
			if q.Op != "status" {
				return nil, control.Unknown(q.Op)
			}
			return r.Status(ctx), nil
		})
		if err != nil {
			log.Error("the control socket is closed", "err", err)
		}
	}()
	return s, nil
}

// ask finds the pgrouter that runs with this configuration: at run_directory, or where it may have had to go instead.
func ask(ctx context.Context, c *config.Config, op string, result any) error {
	var first error
	for _, dir := range append([]string{c.String("run_directory")}, c.List("unix_socket_directories")...) {
		err := control.Call(ctx, filepath.Join(dir, controlName), op, nil, result)
		if err == nil {
			return nil
		}
		if first == nil || errors.Is(first, fs.ErrNotExist) {
			first = err
		}
	}
	return first
}
