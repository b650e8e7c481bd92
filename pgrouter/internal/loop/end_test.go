package loop

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A FATAL error and the end of the connection come together; a paused handler must see both.
func TestDataBeforeTheEndIsNotLostByAPause(t *testing.T) {
	for _, how := range []string{"orderly", "reset"} {
		each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
			tcp, _ := peer.(*net.TCPConn)
			if how == "reset" && tcp == nil {
				t.Skip("a Unix socket knows no reset")
			}
			h := newTeller()
			h.attach(t, l, fd)
			on(t, l, h.conn.Pause)
			writePattern(t, peer, 100_000)
			if how == "reset" {
				tcp.SetLinger(0)
			}
			peer.Close()
			until(t, l, "the end was noticed or reading has stopped", func() bool { return h.conn.off || h.conn.events&unix.EPOLLIN == 0 })
			if how == "reset" || tcp == nil {
				until(t, l, "the end was noticed", func() bool { return h.conn.off })
			}
			var p pattern
			h.use = func(b []byte) int { p.check(t, b); return len(b) }
			on(t, l, func() {})
			if len(h.closed) > 0 {
				t.Fatalf("a paused connection was closed: %v", <-h.closed)
			}
			on(t, l, h.conn.Resume)
			if how == "orderly" {
				h.wantClosed(t, io.EOF)
			} else if err := get(t, h.closed); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("closed with %v, wanted a reset", err)
			}
			if p.at != 100_000 {
				t.Errorf("%d bytes arrived of 100000", p.at)
			}
		})
	}
}

// The connection whose input waits is resumed by something that happens in the same round of events as its end.
func TestDataBeforeTheEndIsNotLostByAResume(t *testing.T) {
	l := start(t)
	fdA, peerA := rawPair(t)
	fdB, peerB := rawPair(t)
	a, b := newTeller(), newTeller()
	a.use = func(p []byte) int {
		a.data <- string(p)
		a.conn.Pause()
		return 0
	}
	b.use = func(p []byte) int {
		a.use = nil
		a.conn.Resume()
		return len(p)
	}
	a.attach(t, l, fdA)
	b.attach(t, l, fdB)
	unix.Write(peerA, []byte("the reason"))
	a.wantData(t, "the reason")
	on(t, l, func() {
		// epoll reports in the order of readiness, so b is served first.
		unix.Write(peerB, []byte("go on"))
		unix.Close(peerA)
	})
	a.wantData(t, "the reason")
	a.wantClosed(t, io.EOF)
	unix.Close(peerB)
	b.wantClosed(t, io.EOF)
}

// TestAnEndIsToldInItsTurn: what arrives behind the end of another connection finds it told.
func TestAnEndIsToldInItsTurn(t *testing.T) {
	l := start(t)
	fdA, peerA := rawPair(t)
	fdB, peerB := rawPair(t)
	a, b := newTeller(), newTeller()
	told := make(chan bool, 1)
	b.use = func(p []byte) int {
		told <- len(a.closed) > 0
		return len(p)
	}
	a.attach(t, l, fdA)
	b.attach(t, l, fdB)
	on(t, l, func() { // both in one round; epoll reports in the order of readiness
		unix.Close(peerA)
		unix.Write(peerB, []byte("a statement"))
	})
	if !get(t, told) {
		t.Error("the end came later than what followed it")
	}
	unix.Close(peerB)
}

// Somebody who breaks the connection may have said why before.
func TestWriteErrorLosesNoInput(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		h := newTeller().attach(t, l, fd)
		on(t, l, func() {
			io.WriteString(peer, "the reason")
			peer.Close()
			for range 10 {
				h.conn.Send([]byte("to nobody"))
			}
			if !h.conn.mute {
				t.Error("writing to a closed connection goes on")
			}
			if h.conn.Closed() || len(h.closed) > 0 {
				t.Error("closed inside Send")
			}
		})
		h.wantData(t, "the reason")
		if err := get(t, h.closed); err == nil {
			t.Error("closed without a reason")
		}
		on(t, l, func() {
			if h.conn.Send([]byte("more")) || l.Count() != 0 {
				t.Error("a closed connection takes output")
			}
		})
	})
}

// The same while output waits.
func TestPeerGoesWhileOutputWaits(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		h := newTeller().attach(t, l, fd)
		on(t, l, func() {
			io.WriteString(peer, "the reason")
			for !h.conn.Send(make([]byte, 1<<20)) {
			}
		})
		h.wantData(t, "the reason")
		peer.Close()
		if err := get(t, h.closed); err == nil {
			t.Error("closed without a reason")
		}
	})
}

func TestCloseTellsNobody(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		h := newTeller().attach(t, l, fd)
		on(t, l, func() {
			io.WriteString(peer, "unread")
			h.conn.Close()
			h.conn.Close()
			h.conn.Resume()
			h.conn.Retry()
		})
		if _, err := io.ReadAll(peer); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		on(t, l, func() {})
		if len(h.data)+len(h.closed) > 0 {
			t.Fatal("the handler was told of its own Close")
		}
	})
}

// A connection may break, as by a failure to encrypt, inside the call that then closes it.
func TestCloseAfterTheEndWasNoticed(t *testing.T) {
	l := start(t)
	fd, peer := rawPair(t)
	h := newTeller().attach(t, l, fd)
	on(t, l, func() {
		h.conn.fail(io.EOF)
		h.conn.Close()
	})
	on(t, l, func() {})
	if len(h.closed) > 0 {
		t.Fatal("Closed was called after Close")
	}
	unix.Close(peer)
}

// A descriptor that is closed and opened again within one batch of events must not get the events of the old one.
func TestDescriptorUsedAgainInOneBatch(t *testing.T) {
	l := start(t)
	fdA, peerA := rawPair(t)
	fdB, peerB := rawPair(t)
	newFD, newPeer := rawPair(t)
	a, b, c := newTeller(), newTeller(), newTeller()
	a.use = func(p []byte) int {
		b.conn.Close()
		if err := unix.Dup3(newFD, fdB, unix.O_CLOEXEC); err != nil { // the same number on purpose
			t.Error(err)
		}
		unix.Close(newFD)
		c.conn, _ = l.Attach(fdB, nil, nil, c)
		return len(p)
	}
	a.attach(t, l, fdA)
	b.attach(t, l, fdB)
	on(t, l, func() {
		for !b.conn.Send(make([]byte, 1<<20)) {
		}
	})
	on(t, l, func() {
		unix.Write(peerA, []byte("x"))
		buf := make([]byte, 1<<20)
		for { // now b can be written: an event that would make c think so
			if n, err := unix.Read(peerB, buf); n <= 0 || err != nil {
				break
			}
		}
	})
	unix.Write(newPeer, []byte("for the new one"))
	c.wantData(t, "for the new one")
	if len(c.drained)+len(b.drained)+len(b.closed) > 0 {
		t.Fatal("an event of the old connection was delivered")
	}
	for _, fd := range []int{peerA, peerB, newPeer} {
		unix.Close(fd)
	}
}
