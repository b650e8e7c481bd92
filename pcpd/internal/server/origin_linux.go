package server

import (
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// origin names where a client comes from, for the log and for counting: its address, or for the Unix socket its user by the
// kernel's word. Ports differ from one connection to the next, so they do not belong to it.
func origin(c net.Conn) string {
	switch c := c.(type) {
	case *net.TCPConn:
		return c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().String()
	case *net.UnixConn:
		if uid, ok := peer(c); ok {
			return "user " + strconv.FormatUint(uint64(uid), 10) + " of this host"
		}
	}
	return "this host"
}

func peer(c *net.UnixConn) (uid uint32, ok bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid, ok = cred.Uid, true
		}
	})
	return uid, ok && err == nil
}
