package proxy

import (
	"crypto/tls"
	"fmt"
	"net"
	"syscall"

	"github.com/pgcrew/pgcrew/pgrouter/internal/loop"
	"golang.org/x/sys/unix"
)

// descriptor takes the socket out of a connection that Go's runtime drives, for the loop to own. conn is what
// the session speaks through: nc itself, or TLS over a loop.Shim over it. nc is closed, its socket lives on.
func descriptor(nc, conn net.Conn) (fd int, secure *tls.Conn, err error) {
	if conn != nc {
		t, ok := conn.(*tls.Conn)
		if !ok {
			return 0, nil, fmt.Errorf("take over a connection of type %T", conn)
		}
		if _, ok := t.NetConn().(*loop.Shim); !ok {
			return 0, nil, fmt.Errorf("take over TLS on a connection of type %T", t.NetConn())
		}
		secure = t
	}
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return 0, nil, fmt.Errorf("take over a connection of type %T", nc)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, nil, fmt.Errorf("take over a connection: %w", err)
	}
	fd = -1
	var dupErr error
	if err := raw.Control(func(old uintptr) { fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		dupErr = err
	}
	near, far := nc.LocalAddr(), nc.RemoteAddr()
	nc.Close()
	if dupErr != nil {
		return 0, nil, fmt.Errorf("take over a connection: %w", dupErr)
	}
	if local(near, far) {
		unpaced(fd)
	}
	return fd, secure, nil
}
