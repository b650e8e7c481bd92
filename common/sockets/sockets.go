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
)

// A Place is where to listen: the values of a parameter, and its name for errors.
type Place struct {
	Parameter string
	Values    []string
}

// File returns the path of the socket file in a folder, as libpq looks for it.
func File(folder string, port int) string {
	return filepath.Join(folder, ".s.PGSQL."+strconv.Itoa(port))
}

// Open opens all addresses (* is every one) and a File in all folders, or nothing. The file has the mode, and belongs to the group; -1 is the user's own.
func Open(number int, addresses, folders Place, mode os.FileMode, group int) (all []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			all = nil
		}
	}()
	port := strconv.Itoa(number)
	for _, address := range addresses.Values {
		if address == "*" {
			address = ""
		}
		var lc net.ListenConfig
		l, err := lc.Listen(context.Background(), "tcp", net.JoinHostPort(address, port))
		if err != nil {
			return all, fmt.Errorf("%s: %w", addresses.Parameter, err)
		}
		all = append(all, l)
	}
	for _, dir := range folders.Values {
		l, err := openUnix(File(dir, number), mode, group)
		if err != nil {
			return all, fmt.Errorf("%s: %w", folders.Parameter, err)
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
