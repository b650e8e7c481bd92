package loop

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// A Quick connection reads and writes like the one of Go's runtime that it wraps, but without telling the scheduler of
// each system call. They never block; but when the scheduler hears of one, its monitor thread wakes and looks every 20
// microseconds for a while whether they do, ten times for a login.
type Quick struct {
	net.Conn
	raw syscall.RawConn
}

// NewQuick wraps a TCP or Unix connection.
func NewQuick(nc net.Conn) (*Quick, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := sc.SyscallConn()
	return &Quick{nc, raw}, err
}

// Read implements net.Conn.
func (q *Quick) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	var errno syscall.Errno
	err = q.raw.Read(func(fd uintptr) bool {
		n, errno = uninterrupted(readNow, int(fd), b)
		return errno != syscall.EAGAIN
	})
	switch {
	case err != nil:
		return 0, err
	case errno != 0:
		return 0, os.NewSyscallError("read", errno)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn.
func (q *Quick) Write(b []byte) (n int, err error) {
	for n < len(b) {
		var errno syscall.Errno
		var m int
		err = q.raw.Write(func(fd uintptr) bool {
			m, errno = uninterrupted(writeNow, int(fd), b[n:])
			return errno != syscall.EAGAIN
		})
		n += m
		if err == nil && errno != 0 {
			err = os.NewSyscallError("write", errno)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// CloseWrite ends the output only.
func (q *Quick) CloseWrite() error {
	if half, ok := q.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// uninterrupted makes a call until no signal has interrupted it.
func uninterrupted(call func(int, []byte) (int, syscall.Errno), fd int, b []byte) (n int, errno syscall.Errno) {
	for {
		if n, errno = call(fd, b); errno != syscall.EINTR {
			return n, errno
		}
	}
}
