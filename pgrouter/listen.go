package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
)

// listen opens what the configuration says, or takes what systemd has opened. group is that of the Unix sockets; -1 for
// the user's own.
func listen(c *config.Config, group int) (all []net.Listener, err error) {
	given, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take over the sockets of systemd: %w", err)
	}
	if len(given) > 0 {
		return given, nil
	}
	defer func() {
		if err != nil {
			for _, l := range all {
				l.Close()
			}
		}
	}()
	port := strconv.Itoa(c.Int("port"))
	for _, address := range c.List("listen_addresses") {
		if address == "*" {
			address = ""
		}
		var lc net.ListenConfig
		l, err := lc.Listen(context.Background(), "tcp", net.JoinHostPort(address, port))
		if err != nil {
			return all, fmt.Errorf("listen_addresses: %w", err)
		}
		all = append(all, l)
	}
	for _, dir := range c.List("unix_socket_directories") {
		l, err := listenUnix(filepath.Join(dir, ".s.PGSQL."+port), os.FileMode(c.Int("unix_socket_permissions")), group)
		if err != nil {
			return all, fmt.Errorf("unix_socket_directories: %w", err)
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, tool.UsageError{Err: errNoListener}
	}
	return all, nil
}

// socketGroup is unix_socket_group, a number or a name, as a number; -1 for the user's own.
func socketGroup(c *config.Config) (int, error) {
	name := c.String("unix_socket_group")
	if name == "" {
		return -1, nil
	}
	if id, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(id), nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return -1, config.Problems{c.Problem("unix_socket_group", fmt.Sprintf("unix_socket_group = %q: %v", name, err),
			"write the name or the number of a group of this system")}
	}
	return strconv.Atoi(g.Gid)
}

// listenUnix replaces a socket file that a dead process has left, and no other.
func listenUnix(path string, mode os.FileMode, group int) (net.Listener, error) {
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
	err = nil
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

func addresses(listeners []net.Listener) string {
	var all []string
	for _, l := range listeners {
		all = append(all, l.Addr().String())
	}
	return strings.Join(all, ", ")
}
