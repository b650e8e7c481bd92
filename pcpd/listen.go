package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
)

var errNoListener = errors.New("nothing to listen on: pcp_listen_addresses is empty and pcp_socket_dir too")

// listen opens what the configuration says: all of it, or nothing.
func listen(c *config.Config) (all []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range all {
				l.Close()
			}
		}
	}()
	port := strconv.Itoa(c.Int("pcp_port"))
	for _, address := range c.List("pcp_listen_addresses") {
		if address == "*" {
			address = ""
		}
		var lc net.ListenConfig
		l, err := lc.Listen(context.Background(), "tcp", net.JoinHostPort(address, port))
		if err != nil {
			return all, fmt.Errorf("pcp_listen_addresses: %w", err)
		}
		all = append(all, l)
	}
	for _, dir := range c.List("pcp_socket_dir") {
		l, err := listenUnix(filepath.Join(dir, ".s.PGSQL."+port))
		if err != nil {
			return all, fmt.Errorf("pcp_socket_dir: %w", err)
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, tool.UsageError{Err: errNoListener}
	}
	return all, nil
}

// listenUnix replaces a socket file that a dead process has left, and no other. As with Pgpool-II every user of the host may
// connect; the login decides.
func listenUnix(path string) (net.Listener, error) {
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
	if err := os.Chmod(path, 0o777); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// addresses names them for the log.
func addresses(listeners []net.Listener) (all []string) {
	for _, l := range listeners {
		all = append(all, l.Addr().String())
	}
	return all
}
