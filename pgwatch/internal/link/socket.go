package link

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What was sent and not taken for that long ends a connection, for the kernel of a host that lost its power or its link
// says nothing.
const unsentTimeout = time.Second

// keepAlive ends idle connections to such hosts, within a few seconds: two nodes that do not lead say nothing to each
// other.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 3}

// setTimeout is the Control function of dialers and listeners; accepted connections inherit what the listener has.
func setTimeout(_, _ string, c syscall.RawConn) error {
	var err error
	controlErr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unsentTimeout.Milliseconds()))
	})
	return errors.Join(controlErr, err)
}

// closedByPeer reports whether the other side's kernel ended a connection. Silence and unreachable hosts are other errors.
func closedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE)
}
