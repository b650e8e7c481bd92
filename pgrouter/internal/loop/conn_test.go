package loop

import (
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDataArrivesAndIsAnswered(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		h := newTeller().attach(t, l, fd)
		io.WriteString(peer, "question")
		h.wantData(t, "question")
		on(t, l, func() {
			if h.conn.Send([]byte("answer")) {
				t.Error("six bytes wait")
			}
		})
		b := make([]byte, 6)
		if _, err := io.ReadFull(peer, b); err != nil || string(b) != "answer" {
			t.Fatalf("the peer got %q, %v", b, err)
		}
		peer.Close()
		h.wantClosed(t, io.EOF)
		on(t, l, func() {
			if !h.conn.Closed() || l.Count() != 0 {
				t.Errorf("closed %v, %d connections", h.conn.Closed(), l.Count())
			}
		})
	})
}

func TestEarlyBytesComeFirst(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		io.WriteString(peer, " and late")
		h := newTeller()
		on(t, l, func() { h.conn, _ = l.Attach(fd, nil, []byte("early"), h) })
		h.wantData(t, "early and late")
	})
}

// What the handler leaves comes again with more behind it, and not before more comes.
func TestLeftOverBytesComeAgain(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		h := newTeller()
		h.use = func(b []byte) int {
			h.data <- string(b)
			return strings.LastIndexByte(string(b), '.') + 1 // whole sentences
		}
		h.attach(t, l, fd)
		for _, step := range []struct{ send, want string }{
			{"one. tw", "one. tw"}, {"o", " two"}, {". ", " two. "}, {".", " ."}, {"five.", "five."},
		} {
			io.WriteString(peer, step.send)
			if got := get(t, h.data); got != step.want {
				t.Fatalf("after %q the handler got %q, wanted %q", step.send, got, step.want)
			}
		}
		on(t, l, func() {
			if len(h.conn.in) != 0 {
				t.Errorf("%q is kept", h.conn.in)
			}
		})
	})
}

// A long statement leaves no buffer with the client that sent it.
func TestLargeBufferIsGivenBack(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		h := newTeller()
		h.use = func(b []byte) int {
			if len(b) < 1<<20 {
				return 0
			}
			h.data <- "all"
			return len(b)
		}
		h.attach(t, l, fd)
		writePattern(t, peer, 1<<20)
		h.wantData(t, "all")
		on(t, l, func() {
			if cap(h.conn.in) > 4<<10 {
				t.Errorf("%d bytes are kept for an idle connection", cap(h.conn.in))
			}
		})
	})
}

func TestPauseResumeRetry(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		h := newTeller()
		take := 0
		h.use = func(b []byte) int {
			h.data <- string(b)
			if take == 0 {
				h.conn.Pause()
			}
			return take
		}
		h.attach(t, l, fd)
		io.WriteString(peer, "first")
		h.wantData(t, "first") // and is paused
		io.WriteString(peer, "second")
		until(t, l, "the interest in a paused connection is withdrawn", func() bool { return h.conn.events&unix.EPOLLIN == 0 })
		on(t, l, func() { h.conn.Retry() }) // it is still paused: nothing comes
		on(t, l, func() {})
		if len(h.data) > 0 {
			t.Fatalf("a paused connection brought %q", <-h.data)
		}
		on(t, l, func() { take = 5; h.conn.Resume() })
		h.wantData(t, "first")
		on(t, l, func() { take = 0 })
		_ = get(t, h.data) // "second", of which five bytes were used or none
		on(t, l, func() { take = 1; h.conn.Resume() })
		until(t, l, "something is left", func() bool { return len(h.conn.in) > 0 && !h.conn.paused })
		for len(h.data) > 0 {
			<-h.data
		}
		var left string
		on(t, l, func() { left = string(h.conn.in); take = len(left); h.conn.Retry() })
		h.wantData(t, left)
		on(t, l, func() { h.conn.Retry() }) // nothing is left: nothing comes
		on(t, l, func() {})
		if len(h.data) > 0 {
			t.Fatalf("Retry brought %q", <-h.data)
		}
	})
}

// A Retry from inside Data, which is where it is called, comes after Data has returned.
func TestRetryInsideData(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		h := newTeller()
		inside := false
		h.use = func(b []byte) int {
			if inside {
				t.Error("Data was called inside Data")
			}
			inside = true
			defer func() { inside = false }()
			h.data <- string(b)
			if len(b) > 1 {
				h.conn.Retry()
			}
			return 1
		}
		h.attach(t, l, fd)
		io.WriteString(peer, "abc")
		for _, want := range []string{"abc", "bc", "c"} {
			if got := get(t, h.data); got != want {
				t.Fatalf("got %q, wanted %q", got, want)
			}
		}
	})
}

func TestOtherHandlerTakesOver(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		one, two := newTeller(), newTeller()
		one.attach(t, l, fd)
		io.WriteString(peer, "for one")
		one.wantData(t, "for one")
		on(t, l, func() { one.conn.SetHandler(two) })
		io.WriteString(peer, "for two")
		two.wantData(t, "for two")
		peer.Close()
		two.wantClosed(t, io.EOF)
		if len(one.data)+len(one.closed) > 0 {
			t.Fatal("the old handler was told")
		}
	})
}

// With one chunk outstanding at a time, as a proxy does it, and with all of it at once.
func TestSlowReaderGetsEverythingInOrder(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		h := newTeller()
		var p pattern
		most, waits := 0, 0
		chunk := make([]byte, 64<<10)
		feed := func() {
			for int(p.at) < volume() {
				p.fill(chunk[:min(len(chunk), volume()-int(p.at))])
				if h.conn.Send(chunk) {
					waits++
					most = max(most, h.conn.Waiting())
					return
				}
			}
		}
		h.drain = func() {
			if h.conn.Waiting() != 0 {
				t.Errorf("drained with %d bytes waiting", h.conn.Waiting())
			}
			feed()
		}
		h.attach(t, l, fd)
		on(t, l, feed)
		until(t, l, "output waits", func() bool { return h.conn.Waiting() > 0 })
		readPattern(t, peer, volume())
		on(t, l, func() {
			if waits == 0 || most > len(chunk) || h.conn.Waiting() != 0 || h.conn.out != nil || h.conn.events&unix.EPOLLOUT != 0 {
				t.Errorf("waited %d times, at most %d bytes; at the end %d of %d, events %#x", waits, most, h.conn.Waiting(), cap(h.conn.out), h.conn.events)
			}
		})
	})
}

func TestOneLargeSend(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		h := newTeller().attach(t, l, fd)
		all := make([]byte, volume())
		new(pattern).fill(all)
		on(t, l, func() {
			if !h.conn.Send(all) {
				t.Error("a large output does not wait")
			}
			clear(all) // Send has its own copy
			h.conn.Send(nil)
		})
		readPattern(t, peer, volume())
		get(t, h.drained)
		if len(h.drained) > 0 {
			t.Error("drained twice")
		}
	})
}
