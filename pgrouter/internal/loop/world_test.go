package loop

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; no test depends on its value.
const patience = 30 * time.Second

// start runs a loop until the test ends.
func start(t *testing.T) *Loop {
	t.Helper()
	l, err := New(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := get(t, ended); err != nil {
			t.Errorf("the loop ended: %v", err)
		}
	})
	return l
}

// get waits for a value.
func get[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("it did not come")
	}
	return v
}

// on runs f on the loop and waits for it.
func on(t *testing.T, l *Loop, f func()) {
	t.Helper()
	ran := make(chan bool)
	if !l.Post(func() { defer close(ran); f() }) {
		t.Fatal("the loop has ended")
	}
	get(t, ran)
}

// until waits for a condition that is looked at on the loop.
func until(t *testing.T, l *Loop, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		is := false
		on(t, l, func() { is = cond() })
		if is {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not reached: %s", what)
		}
	}
}

// A teller hands on what a Handler is told. Without a function of its own it uses all data.
type teller struct {
	conn    *Conn
	data    chan string
	drained chan bool
	closed  chan error
	use     func(b []byte) int // decides how much is used
	drain   func()
}

func newTeller() *teller {
	return &teller{data: make(chan string, 100), drained: make(chan bool, 1000), closed: make(chan error, 10)}
}

func (h *teller) Data(b []byte) int {
	if h.use != nil {
		return h.use(b)
	}
	h.data <- string(b)
	return len(b)
}

func (h *teller) Drained() {
	if h.drain != nil {
		h.drain()
		return
	}
	h.drained <- true
}

func (h *teller) Closed(err error) { h.closed <- err }

// attach puts a descriptor on the loop.
func (h *teller) attach(t *testing.T, l *Loop, fd int) *teller {
	t.Helper()
	on(t, l, func() {
		var err error
		if h.conn, err = l.Attach(fd, nil, nil, h); err != nil {
			t.Error(err)
		}
	})
	return h
}

// wantData waits until all of want has arrived, in whatever pieces.
func (h *teller) wantData(t *testing.T, want string) {
	t.Helper()
	got := ""
	for len(got) < len(want) {
		got += get(t, h.data)
	}
	if got != want {
		t.Fatalf("received %q, wanted %q", got, want)
	}
}

func (h *teller) wantClosed(t *testing.T, want error) {
	t.Helper()
	if err := get(t, h.closed); !errors.Is(err, want) {
		t.Fatalf("closed with %v, wanted %v", err, want)
	}
}

// kinds are the sockets that pgrouter serves.
var kinds = map[string]func(t *testing.T) (fd int, peer net.Conn){"unix": unixPair, "tcp": tcpPair}

func each(t *testing.T, f func(t *testing.T, l *Loop, fd int, peer net.Conn)) {
	for name, pair := range kinds {
		t.Run(name, func(t *testing.T) {
			l := start(t)
			fd, peer := pair(t)
			f(t, l, fd, peer)
		})
	}
}

// unixPair makes two connected sockets: one for the loop, one for the test.
func unixPair(t *testing.T) (fd int, peer net.Conn) {
	t.Helper()
	ours, theirs := rawPair(t)
	file := os.NewFile(uintptr(theirs), "peer")
	defer file.Close()
	peer, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return ours, peer
}

func rawPair(t *testing.T) (ours, theirs int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

func tcpPair(t *testing.T) (fd int, peer net.Conn) {
	t.Helper()
	ours, theirs := tcpConns(t)
	return takeOver(t, ours), theirs
}

func tcpConns(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	theirs, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	ours, err = listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// takeOver takes the socket out of the hands of Go's runtime.
func takeOver(t *testing.T, nc net.Conn) (fd int) {
	t.Helper()
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	return fd
}

// A pattern is an endless text in which a lost, doubled or exchanged piece shows.
type pattern struct{ at uint64 }

func (p *pattern) fill(b []byte) {
	for i := range b {
		b[i] = p.byteAt(p.at + uint64(i))
	}
	p.at += uint64(len(b))
}

func (p *pattern) byteAt(i uint64) byte { return byte((i>>3)*0x9e3779b97f4a7c15>>56) ^ byte(i) }

// check reports the place of the first byte that is wrong.
func (p *pattern) check(t testing.TB, b []byte) bool {
	for i := range b {
		if want := p.byteAt(p.at + uint64(i)); b[i] != want {
			t.Errorf("byte %d is %#x, wanted %#x", p.at+uint64(i), b[i], want)
			return false
		}
	}
	p.at += uint64(len(b))
	return true
}

// readPattern reads size bytes and checks them.
func readPattern(t testing.TB, r io.Reader, size int) {
	var p pattern
	b := make([]byte, 100_000)
	for int(p.at) < size {
		n, err := r.Read(b[:min(len(b), size-int(p.at))])
		if !p.check(t, b[:n]) {
			return
		}
		if err != nil {
			t.Errorf("after %d of %d bytes: %v", p.at, size, err)
			return
		}
	}
}

// writePattern writes size bytes in pieces of odd lengths.
func writePattern(t testing.TB, w io.Writer, size int) {
	var p pattern
	b := make([]byte, 70_001)
	for n := 1; int(p.at) < size; n = n*7%len(b) + 1 {
		piece := b[:min(n, size-int(p.at))]
		p.fill(piece)
		if _, err := w.Write(piece); err != nil {
			t.Errorf("write after %d of %d bytes: %v", p.at, size, err)
			return
		}
	}
}

// volume is how much the long transfers move, in bytes.
func volume() int {
	if testing.Short() {
		return 5 << 20
	}
	return 50 << 20
}
