package main

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/sockets"
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
	all, err = sockets.Open(c.Int("port"), sockets.Place{Parameter: "listen_addresses", Values: c.List("listen_addresses")},
		sockets.Place{Parameter: "unix_socket_directories", Values: c.List("unix_socket_directories")}, os.FileMode(c.Int("unix_socket_permissions")), group)
	if err != nil {
		return nil, err
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
