package main

import (
	"errors"
	"net"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/sockets"
	"github.com/pgcrew/pgcrew/common/tool"
)

var errNoListener = errors.New("nothing to listen on: pcp_listen_addresses is empty and pcp_socket_dir too")

// listen opens what the configuration says. As with Pgpool-II every user of the host may connect to the Unix sockets; the
// login decides.
func listen(c *config.Config) ([]net.Listener, error) {
	all, err := sockets.Open(c.Int("pcp_port"), sockets.Place{Parameter: "pcp_listen_addresses", Values: c.List("pcp_listen_addresses")},
		sockets.Place{Parameter: "pcp_socket_dir", Values: c.List("pcp_socket_dir")}, 0o777, -1)
	if err == nil && len(all) == 0 {
		err = tool.UsageError{Err: errNoListener}
	}
	return all, err
}
