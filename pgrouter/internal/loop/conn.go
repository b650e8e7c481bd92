package loop

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Handler is told what happens on a connection. It is called on the loop's goroutine.
type Handler interface {
	// Data brings received bytes and returns how many of them were used. What is left comes again,
	// with more behind it, at the next arrival or after Resume. b is only valid during the call.
	Data(b []byte) int
	// Drained says that all output that had to wait has been written.
	Drained()
	// Closed says that the peer ended or broke the connection; io.EOF for an orderly end. It is called
	// once, not after Close, and the connection is closed already.
	Closed(err error)
}

// A Conn is one connection on a loop.
type Conn struct {
	l        *Loop
	h        Handler
	in       []byte // received and not yet used by the handler
	out      []byte // sent by the handler and not yet taken by the kernel
	tls      *records
	fd       int32
	gen      int32
	events   uint32 // what epoll watches
	paused   bool
	queued   bool // in l.again
	mute     bool // the peer takes no more output
	off      bool // not in epoll: the end was seen while paused
	closed   bool
	inside   bool // the handler is in Data
	told     bool // nothing is to be said to the handler any more
	deferred bool // the loop's batch has output of it
}

// Attach puts a non-blocking descriptor on the loop, which owns it from then on, also when Attach fails.
// secure is nil for plain text, else a TLS connection of either side over a Shim, with its handshake done; early
// is what was read from the connection before.
func (l *Loop) Attach(fd int, secure *tls.Conn, early []byte, h Handler) (*Conn, error) {
	if fd >= len(l.conns) {
		l.conns = append(l.conns, make([]*Conn, fd+64-len(l.conns))...)
	}
	l.gen++
	c := &Conn{l: l, h: h, fd: int32(fd), gen: l.gen, events: unix.EPOLLIN}
	if secure != nil {
		c.tls = newRecords(l, secure)
	}
	ev := unix.EpollEvent{Events: c.events, Fd: c.fd, Pad: c.gen}
	if err := control(l.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		closeNow(fd)
		return nil, fmt.Errorf("epoll_ctl of a connection: %w", err)
	}
	l.conns[fd] = c
	l.count++
	if len(early) > 0 {
		c.in = append(c.in, early...)
	}
	if len(early) > 0 || c.tls != nil {
		c.again() // decrypted bytes may wait while the socket is silent
	}
	return c, nil
}

// Send writes b soon, or keeps a copy of what the kernel does not take. It reports whether output is known to wait:
// then the caller pauses whatever produces it until Drained.
func (c *Conn) Send(b []byte) (waits bool) {
	if c.closed || c.mute || len(b) == 0 {
		return false
	}
	if c.tls != nil {
		return c.tls.send(c, b)
	}
	return c.sendRaw(b)
}

func (c *Conn) sendRaw(b []byte) bool {
	if c.l.defers(c, b) {
		return false
	}
	return c.write(b)
}

// write gives b to the kernel, as much as it takes now.
func (c *Conn) write(b []byte) bool {
	if len(c.out) == 0 {
		n, errno := writeNow(int(c.fd), b)
		if errno != 0 && errno != syscall.EAGAIN && errno != syscall.EINTR {
			// The peer may have said why before it went: what it sent is still read, and the end is told
			// there, once.
			c.mute = true
			return false
		}
		if b = b[n:]; len(b) == 0 {
			return false
		}
	}
	c.out = append(c.out, b...)
	c.watch(c.events | unix.EPOLLOUT)
	return true
}

// Waiting is the number of bytes that the kernel does not take yet.
func (c *Conn) Waiting() int {
	if c.deferred {
		c.l.writeBatch()
	}
	return len(c.out)
}

// Pause stops reading; bytes left by the handler stay. The kernel then slows the peer down.
func (c *Conn) Pause() { c.paused = true }

// Resume reads again, and first brings what was left.
func (c *Conn) Resume() {
	if !c.paused || c.closed {
		return
	}
	c.paused = false
	if c.off {
		c.off = false
		c.events |= unix.EPOLLIN
		ev := unix.EpollEvent{Events: c.events, Fd: c.fd, Pad: c.gen}
		control(c.l.epfd, unix.EPOLL_CTL_ADD, int(c.fd), &ev)
	} else {
		c.watch(c.events | unix.EPOLLIN)
	}
	if len(c.in) > 0 || c.tls != nil {
		c.again()
	}
}

// Retry brings what the handler left once more, even if nothing arrived; the handler calls it when what
// kept it from using the bytes is over.
func (c *Conn) Retry() {
	if (len(c.in) > 0 || c.inside) && !c.closed && !c.paused {
		c.again()
	}
}

// SetHandler changes who is told; used when a server connection goes to another client.
func (c *Conn) SetHandler(h Handler) { c.h = h }

// Closed reports whether the connection is gone.
func (c *Conn) Closed() bool { return c.closed }

// Close ends the connection at once; output that still waits is lost. The handler is not told.
func (c *Conn) Close() {
	c.told = true
	c.shut()
}

func (c *Conn) shut() {
	if c.closed {
		return
	}
	if c.deferred {
		c.l.writeBatch()
	}
	if c.tls != nil {
		c.tls.farewell(c)
	}
	c.closed = true
	c.l.conns[c.fd] = nil
	c.l.count--
	closeNow(int(c.fd)) // which takes it out of epoll as well
	c.in, c.out = nil, nil
}

func (c *Conn) again() {
	if !c.queued {
		c.queued = true
		c.l.again = append(c.l.again, c)
	}
}

// fail closes and tells the handler, but never inside a call that the handler made or is in. The handler may have
// called Close by then.
func (c *Conn) fail(err error) {
	if c.closed {
		return
	}
	c.shut()
	c.l.mu.Lock()
	c.l.posted = append(c.l.posted, func() {
		if !c.told {
			c.told = true
			c.h.Closed(err)
		}
	})
	c.l.mail.Store(true)
	c.l.mu.Unlock()
}

func (c *Conn) watch(events uint32) {
	if c.closed || events == c.events {
		return
	}
	c.events = events
	if c.off {
		return
	}
	ev := unix.EpollEvent{Events: events, Fd: c.fd, Pad: c.gen}
	control(c.l.epfd, unix.EPOLL_CTL_MOD, int(c.fd), &ev)
}

// receive reads once; with level-triggered readiness the rest announces itself again.
func (c *Conn) receive(events uint32) {
	if c.queued && !c.paused {
		return // what is kept comes first; the end, if it is that, would throw it away
	}
	if c.paused {
		// Interest is withdrawn only now, so that a short pause costs no system call.
		if events&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			// These cannot be masked, and what was received before the end must not be lost.
			c.off = true
			control(c.l.epfd, unix.EPOLL_CTL_DEL, int(c.fd), nil)
			return
		}
		c.watch(c.events &^ unix.EPOLLIN)
		return
	}
	n, errno := readNow(int(c.fd), c.l.buf)
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
	case errno != 0:
		c.fail(os.NewSyscallError("read", errno))
	case n == 0:
		c.fail(io.EOF)
	case c.tls != nil:
		c.tls.open(c, c.l.buf[:n])
	default:
		c.deliver(c.l.buf[:n])
	}
}

// deliver offers the kept bytes and b to the handler and keeps what it leaves.
func (c *Conn) deliver(b []byte) {
	if c.tls != nil && b == nil {
		c.tls.open(c, nil)
		return
	}
	c.hand(b)
}

func (c *Conn) hand(b []byte) {
	if len(c.in) > 0 {
		c.in = append(c.in, b...)
		b = c.in
	}
	if len(b) == 0 {
		return
	}
	c.inside = true
	n := c.h.Data(b)
	c.inside = false
	if c.closed {
		return
	}
	switch {
	case n == len(b):
		if cap(c.in) > 4<<10 {
			c.in = nil // a large statement must not leave its buffer with an idle client
		} else {
			c.in = c.in[:0]
		}
	case len(c.in) > 0:
		c.in = c.in[:copy(c.in, b[n:])]
	default:
		c.in = append(c.in[:0], b[n:]...)
	}
}

// flush writes what waited.
func (c *Conn) flush() {
	n, errno := writeNow(int(c.fd), c.out)
	if errno != 0 && errno != syscall.EAGAIN && errno != syscall.EINTR {
		c.mute, n = true, len(c.out)
	}
	if n < len(c.out) {
		c.out = c.out[n:] // nothing is moved: a slow reader of much output takes it in many pieces
		return
	}
	c.out = nil
	c.watch(c.events &^ unix.EPOLLOUT)
	c.h.Drained()
}
