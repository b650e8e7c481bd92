package server

import (
	"net"
	"strconv"

	"github.com/pgcrew/pgcrew/common/control"
)

// origin names where a client comes from, for the log and for counting: its address, or for the Unix socket its user by the
// kernel's word. Ports differ from one connection to the next, so they do not belong to it.
func origin(c net.Conn) string {
	switch c := c.(type) {
	case *net.TCPConn:
		return c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().String()
	case *net.UnixConn:
		if p, err := control.PeerOf(c); err == nil {
			return "user " + strconv.FormatUint(uint64(p.UID), 10) + " of this host"
		}
	}
	return "this host"
}
