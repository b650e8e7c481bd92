// Package sockets opens what a server listens on, as PostgreSQL's parameters name it: TCP addresses, and folders for a
// Unix socket.
package sockets

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/pgcrew/pgcrew/common/config"
)

// Names are the parameters that say where to listen.
type Names struct{ Addresses, Port, Folders string }

// Open opens all that the configuration says, or nothing. The socket file in each folder is called .s.PGSQL.PORT as
// libpq looks for it, has the mode, and belongs to the group; -1 is the user's own.
func Open(c *config.Config, n Names, mode os.FileMode, group int) (all []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			all = nil
		}
	}()
	port := strconv.Itoa(c.Int(n.Port))
	for _, address := range c.List(n.Addresses) {
		if address == "*" {
			address = ""
		}
		var lc net.ListenConfig
		l, err := lc.Listen(context.Background(), "tcp", net.JoinHostPort(address, port))
		if err != nil {
			return all, fmt.Errorf("%s: %w", n.Addresses, err)
		}
		all = append(all, l)
	}
	for _, dir := range c.List(n.Folders) {
		l, err := openUnix(filepath.Join(dir, ".s.PGSQL."+port), mode, group)
		if err != nil {
			return all, fmt.Errorf("%s: %w", n.Folders, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// openUnix replaces a socket file that a dead process has left, and no other.
func openUnix(path string, mode os.FileMode, group int) (net.Listener, error) {
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, fmt.Errorf("listen on %s: %w", path, syscall.EADDRINUSE)
	}
	if fi, err := os.Lstat(path); err == nil && fi.Mode()&os.ModeSocket != 0 {
		os.Remove(path)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if group >= 0 {
		err = os.Chown(path, -1, group)
	}
	if err == nil {
		err = os.Chmod(path, mode&os.ModePerm)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// List names the listeners for the log.
func List(listeners []net.Listener) string {
	var all []string
	for _, l := range listeners {
		all = append(all, l.Addr().String())
	}
	return strings.Join(all, ", ")
}
