package loop

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

func eachQuick(t *testing.T, f func(t *testing.T, q *Quick, peer net.Conn)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = t.TempDir() + "/s"
			}
			l, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			peer, err := net.Dial(network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			nc, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			q, err := NewQuick(nc)
			if err != nil {
				t.Fatal(err)
			}
			f(t, q, peer)
		})
	}
}

// Both directions carry all there is, however full they are, up to the end.
func TestQuick(t *testing.T) {
	eachQuick(t, func(t *testing.T, q *Quick, peer net.Conn) {
		var wg sync.WaitGroup
		wg.Go(func() { writePattern(t, q, volume()); q.CloseWrite() })
		wg.Go(func() { readPattern(t, q, volume()) })
		wg.Go(func() { writePattern(t, peer, volume()) })
		readPattern(t, peer, volume())
		if n, err := peer.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("behind the end: %d bytes, %v", n, err)
		}
		wg.Wait()
		peer.Close()
		if n, err := q.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("the end: %d bytes, %v", n, err)
		}
	})
}

// A deadline ends a read and a write that wait, with the error of the connection below.
func TestQuickDeadline(t *testing.T) {
	eachQuick(t, func(t *testing.T, q *Quick, peer net.Conn) {
		for what, call := range map[string]func([]byte) (int, error){"read": q.Read, "write": q.Write} {
			q.SetDeadline(time.Now().Add(10 * time.Millisecond))
			_, err := call(make([]byte, 100<<20))
			var timeout net.Error
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("%s: %v", what, err)
			}
		}
		q.SetDeadline(time.Time{})
		q.Close()
		if _, err := q.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read from a closed one: %v", err)
		}
	})
}

// A peer that is gone is an error, and no signal.
func TestQuickPeerGone(t *testing.T) {
	eachQuick(t, func(t *testing.T, q *Quick, peer net.Conn) {
		peer.Close()
		for end := time.Now().Add(patience); ; {
			if _, err := q.Write([]byte("x")); err != nil {
				return
			}
			if time.Now().After(end) {
				t.Fatal("writing to nobody works")
			}
		}
	})
}
