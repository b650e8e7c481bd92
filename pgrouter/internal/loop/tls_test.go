package loop

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// A side is which end of TLS the loop has: the server's towards clients, the client's towards servers.
type side struct {
	name string
	wrap func(nc net.Conn, c *tls.Config) *tls.Conn
	peer func(nc net.Conn, c *tls.Config) *tls.Conn
}

var sides = []side{{"server", tls.Server, tls.Client}, {"client", tls.Client, tls.Server}}

func eachTLS(t *testing.T, f func(t *testing.T, l *Loop, ours, theirs *tls.Conn, fd func() int)) {
	certificate := selfSigned(t)
	for _, side := range sides {
		for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
			t.Run(side.name+" "+name, func(t *testing.T) {
				l := start(t)
				config := &tls.Config{Certificates: []tls.Certificate{certificate}, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}
				nc, peer := tcpConns(t)
				ours := side.wrap(NewShim(nc), config)
				theirs := side.peer(strict{peer}, config)
				shaken := make(chan error, 1)
				go func() { shaken <- theirs.Handshake() }()
				if err := ours.Handshake(); err != nil {
					t.Fatal(err)
				}
				if err := get(t, shaken); err != nil {
					t.Fatal(err)
				}
				f(t, l, ours, theirs, func() int { return takeOver(t, nc) })
			})
		}
	}
}

// strict makes TLS on it tell an end without close_notify from one with it, as OpenSSL does and crypto/tls does not.
type strict struct{ net.Conn }

var errCut = errors.New("the connection ended without close_notify")

func (c strict) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == io.EOF {
		err = errCut
	}
	return n, err
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (h *teller) attachTLS(t *testing.T, l *Loop, fd int, secure *tls.Conn, early []byte) *teller {
	t.Helper()
	on(t, l, func() {
		var err error
		if h.conn, err = l.Attach(fd, secure, early, h); err != nil {
			t.Error(err)
		}
	})
	return h
}

// Login has read some of what the peer sent, and crypto/tls has opened more than that.
func TestOpenedBytesAreHandedOver(t *testing.T) {
	eachTLS(t, func(t *testing.T, l *Loop, ours, theirs *tls.Conn, fd func() int) {
		io.WriteString(theirs, "login and the first query")
		early := make([]byte, 5)
		if _, err := io.ReadFull(ours, early); err != nil {
			t.Fatal(err)
		}
		h := newTeller().attachTLS(t, l, fd(), ours, early)
		h.wantData(t, "login and the first query")
		io.WriteString(theirs, "and the next")
		h.wantData(t, "and the next")
		on(t, l, func() { h.conn.Send([]byte("answer")) })
		b := make([]byte, 6)
		if _, err := io.ReadFull(theirs, b); err != nil || string(b) != "answer" {
			t.Fatalf("the peer got %q, %v", b, err)
		}
	})
}

// All that is sent comes back, while both directions are full.
func TestTLSEcho(t *testing.T) {
	eachTLS(t, func(t *testing.T, l *Loop, ours, theirs *tls.Conn, fd func() int) {
		h := newTeller()
		h.use = func(b []byte) int {
			// In pieces, so that records and calls do not fall together.
			for rest := b; len(rest) > 0; {
				n := min(len(rest), 5000)
				if h.conn.Send(rest[:n]) {
					h.conn.Pause()
				}
				rest = rest[n:]
			}
			return len(b)
		}
		h.drain = func() { h.conn.Resume() }
		h.attachTLS(t, l, fd(), ours, nil)
		var wg sync.WaitGroup
		wg.Go(func() { writePattern(t, theirs, volume()) })
		readPattern(t, theirs, volume())
		wg.Wait()
		theirs.CloseWrite() // close_notify
		h.wantClosed(t, io.EOF)
	})
}

// Several records come with one read; the handler stops in the middle of them.
func TestTLSPauseBetweenRecords(t *testing.T) {
	eachTLS(t, func(t *testing.T, l *Loop, ours, theirs *tls.Conn, fd func() int) {
		h := newTeller()
		h.use = func(b []byte) int {
			h.data <- string(b)
			h.conn.Pause()
			return len(b) - 1 // and leaves something too
		}
		for _, piece := range []string{"one ", "two ", "three "} {
			io.WriteString(theirs, piece)
		}
		theirs.Close()
		h.attachTLS(t, l, fd(), ours, nil)
		// The last byte of each comes again, by itself, and is left again.
		if got := get(t, h.data); got != "one " {
			t.Fatalf("got %q first", got)
		}
		on(t, l, func() {})
		if len(h.data)+len(h.closed) > 0 {
			t.Fatal("something came to a paused handler")
		}
		rest := newTeller()
		on(t, l, func() { h.conn.SetHandler(rest); h.conn.Resume() })
		rest.wantData(t, " two three ")
		rest.wantClosed(t, io.EOF)
	})
}

func TestTLSGarbageEndsTheConnection(t *testing.T) {
	eachTLS(t, func(t *testing.T, l *Loop, ours, theirs *tls.Conn, fd func() int) {
		h := newTeller().attachTLS(t, l, fd(), ours, nil)
		io.WriteString(theirs, "fine")
		h.wantData(t, "fine")
		theirs.NetConn().Write([]byte(strings.Repeat("garbage ", 10)))
		if err := get(t, h.closed); err == nil || err == io.EOF {
			t.Fatalf("closed with %v", err)
		}
	})
}

// A peer that goes without close_notify is an end like any other: the frames above tell whether something is missing.
func TestTLSWithoutCloseNotify(t *testing.T) {
	eachTLS(t, func(t *testing.T, l *Loop, ours, theirs *tls.Conn, fd func() int) {
		h := newTeller().attachTLS(t, l, fd(), ours, nil)
		io.WriteString(theirs, "the last")
		theirs.NetConn().Close()
		h.wantData(t, "the last")
		h.wantClosed(t, io.EOF)
	})
}

// A peer hears that we end the connection behind what it was sent, also one that ended first and still reads.
func TestTLSCloseNotify(t *testing.T) {
	eachTLS(t, func(t *testing.T, l *Loop, ours, theirs *tls.Conn, fd func() int) {
		h := newTeller().attachTLS(t, l, fd(), ours, nil)
		on(t, l, func() {
			h.conn.Send([]byte("the last"))
			h.conn.Close()
		})
		if b, err := io.ReadAll(theirs); err != nil || string(b) != "the last" {
			t.Fatalf("the peer got %q, %v", b, err)
		}
	})
	eachTLS(t, func(t *testing.T, l *Loop, ours, theirs *tls.Conn, fd func() int) {
		h := newTeller().attachTLS(t, l, fd(), ours, nil)
		theirs.CloseWrite()
		h.wantClosed(t, io.EOF)
		if b, err := io.ReadAll(theirs); err != nil || len(b) > 0 {
			t.Fatalf("the peer that ended first got %q, %v", b, err)
		}
	})
}

// A peer that does not take its output is not waited for, and is not told in the middle of a record that all is well.
func TestTLSCloseBehindWaitingOutput(t *testing.T) {
	eachTLS(t, func(t *testing.T, l *Loop, ours, theirs *tls.Conn, fd func() int) {
		h := newTeller().attachTLS(t, l, fd(), ours, nil)
		on(t, l, func() {
			for piece := make([]byte, 1<<20); !h.conn.Send(piece); {
			}
			h.conn.Close()
		})
		if _, err := io.Copy(io.Discard, theirs); err == nil {
			t.Fatal("the peer takes output that was cut for the whole")
		}
	})
}

// OpenSSL changes its keys in the middle of the connection and asks for ours to be changed, which crypto/tls answers
// from inside Read.
func TestTLSKeyUpdate(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl program to ask for new keys")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client := exec.Command(openssl, "s_client", "-connect", listener.Addr().String(), "-tls1_3")
	in, err := client.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	client.Stderr = client.Stdout // where it tells of key updates
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	defer client.Wait()
	lines := make(chan string, 1000)
	read := make(chan bool)
	go func() {
		defer close(read)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	defer func() { <-read }()
	defer client.Process.Kill()

	nc, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours := tls.Server(NewShim(nc), &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
	if err := ours.Handshake(); err != nil {
		t.Fatal(err)
	}
	l := start(t)
	h := newTeller()
	h.use = func(b []byte) int {
		h.conn.Send(append([]byte("echo of "), b...))
		return len(b)
	}
	h.attachTLS(t, l, takeOver(t, nc), ours, nil)
	wait := func(want string) {
		t.Helper()
		for {
			select {
			case line := <-lines:
				if line == want {
					return
				}
			case <-read:
				t.Fatalf("openssl ended before it showed %q", want)
			case <-time.After(patience):
				t.Fatalf("openssl never showed %q", want)
			}
		}
	}
	io.WriteString(in, "before\n")
	wait("echo of before")
	for range 3 {
		io.WriteString(in, "K\n") // a command of s_client when it is alone in a read
		wait("KEYUPDATE")
		io.WriteString(in, "after\n")
		wait("echo of after")
	}
}
