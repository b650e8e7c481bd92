package proxy

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

type cancellable struct {
	secret []byte
	times  int
}

func (c *cancellable) key() []byte { return c.secret }
func (c *cancellable) cancelled()  { c.times++ }

func TestOnlyTheRightKeyCancels(t *testing.T) {
	cs := &cancels{all: map[uint32]target{}}
	var a, b cancellable
	pidA, pidB := uint32(0), uint32(0)
	pidA, a.secret = cs.add(&a, wire.Version30)
	pidB, b.secret = cs.add(&b, wire.Version32)
	if len(a.secret) != 4 || len(b.secret) != 32 {
		t.Fatalf("keys of %d and %d bytes, wanted 4 and 32", len(a.secret), len(b.secret))
	}
	if int32(pidA) <= 0 || int32(pidB) <= 0 || pidA == pidB {
		t.Fatalf("process numbers %d and %d", pidA, pidB)
	}
	wrong := append([]byte(nil), a.secret...)
	wrong[3] ^= 1
	for _, m := range []wire.CancelRequest{
		{PID: pidA, Key: wrong}, {PID: pidA, Key: b.secret}, {PID: pidA, Key: a.secret[:3]}, {PID: pidA},
		{PID: pidB, Key: a.secret}, {PID: pidB, Key: b.secret[:4]}, {PID: pidA + pidB + 1, Key: a.secret}, {},
	} {
		cs.request(&m)
	}
	if a.times+b.times > 0 {
		t.Fatalf("wrong keys cancelled %d and %d times", a.times, b.times)
	}
	cs.request(&wire.CancelRequest{PID: pidB, Key: b.secret})
	if a.times != 0 || b.times != 1 {
		t.Fatalf("the right key cancelled %d and %d times", a.times, b.times)
	}
	cs.remove(pidB)
	cs.request(&wire.CancelRequest{PID: pidB, Key: b.secret})
	if b.times != 1 {
		t.Fatal("a session that has ended was cancelled")
	}
}

// A request is over when the server has closed its connection, which it does behind the signal. Else it may still hit
// whatever runs there later.
func TestWhenACancelIsOver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	target := cancel{network: "tcp", address: l.Addr().String(), pid: 7, secret: []byte("key!")}
	for _, test := range []struct {
		name   string
		server func(nc *net.TCPConn)
		over   bool
	}{
		{"closed", func(nc *net.TCPConn) { nc.Close() }, true},
		{"reset", func(nc *net.TCPConn) { nc.SetLinger(0); nc.Close() }, false},
		{"no answer", func(nc *net.TCPConn) { stop() }, false},
	} {
		served := make(chan struct{})
		go func() {
			defer close(served)
			nc, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := io.ReadFull(nc, make([]byte, 16)); err != nil {
				t.Error(err)
			}
			test.server(nc.(*net.TCPConn))
		}()
		if over := target.send(ctx); over != test.over {
			t.Errorf("%s: over is %v", test.name, over)
		}
		<-served
	}
	l.Close()
	if !target.send(context.Background()) {
		t.Error("a request that nobody took is not over")
	}
}
