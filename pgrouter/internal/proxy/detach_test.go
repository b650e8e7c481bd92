package proxy

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgcrew/pgcrew/pgrouter/internal/loop"
	"golang.org/x/sys/unix"
)

// accepted makes a connection of a network, and gives both its ends.
func accepted(t *testing.T, network string) (ours, theirs net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if theirs, err = net.Dial(network, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	if ours, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// The runtime lets go of the connection, and its socket lives on, non-blocking, with what had arrived.
func TestDescriptorOutlivesItsConnection(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		ours, theirs := accepted(t, network)
		io.WriteString(theirs, "before")
		fd, secure, err := descriptor(ours, ours)
		if err != nil || secure != nil {
			t.Fatalf("%s: %v, TLS %v", network, err, secure)
		}
		if _, err := ours.Write([]byte("x")); err == nil {
			t.Errorf("%s: the connection is still open", network)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Errorf("%s: flags %#x, %v: reading would block the loop", network, flags, err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: a program that pgrouter starts would have it: %#x, %v", network, flags, err)
		}
		if how, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION); network == "tcp" && (err != nil || how != "reno") {
			t.Errorf("the congestion control is %q, %v", how, err)
		}
		b := make([]byte, 10)
		if n, err := unix.Read(fd, b); err != nil || string(b[:n]) != "before" {
			t.Errorf("%s: read %q, %v", network, b[:max(n, 0)], err)
		}
		unix.Close(fd)
		if n, err := theirs.Read(b); err != io.EOF {
			t.Errorf("%s: after Close the peer reads %d bytes, %v: there is a second descriptor", network, n, err)
		}
	}
}

func TestDescriptorOfTLS(t *testing.T) {
	ours, _ := accepted(t, "tcp")
	conn := tls.Server(loop.NewShim(ours), &tls.Config{})
	fd, secure, err := descriptor(ours, conn)
	if err != nil || secure != conn {
		t.Fatalf("%v, TLS %v", err, secure)
	}
	unix.Close(fd)
}

// What the loop could not drive is refused before anything is taken apart.
func TestDescriptorRefuses(t *testing.T) {
	ours, _ := accepted(t, "tcp")
	defer ours.Close()
	pipe, other := net.Pipe()
	defer pipe.Close()
	defer other.Close()
	before := openFiles(t)
	for name, c := range map[string]struct{ nc, conn net.Conn }{
		"TLS without a shim":        {ours, tls.Server(ours, &tls.Config{})},
		"something else on top":     {ours, loop.NewShim(ours)},
		"a connection with no file": {pipe, pipe},
	} {
		if _, _, err := descriptor(c.nc, c.conn); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files are open, %d were before", after, before)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestLocal(t *testing.T) {
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 5432} }
	for _, c := range []struct {
		near, far net.Addr
		want      bool
	}{
		{at("127.0.0.1"), at("127.0.0.1"), true},
		{at("::1"), at("::1"), true},
		{at("192.0.2.1"), at("192.0.2.1"), true},
		{at("::ffff:192.0.2.1"), at("192.0.2.1"), true},
		{at("192.0.2.1"), at("192.0.2.2"), false},
		{&net.UnixAddr{Name: "/a"}, &net.UnixAddr{Name: "/a"}, false},
	} {
		if got := local(c.near, c.far); got != c.want {
			t.Errorf("%v and %v: %v", c.near, c.far, got)
		}
	}
}
