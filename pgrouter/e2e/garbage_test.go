package e2e

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// dial opens a TCP connection to the router without a word.
func (r *router) dial(t testing.TB) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", r.port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(limit))
	return nc
}

// startup is a startup packet of any version and body.
func startup(version uint32, body string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	return string(binary.BigEndian.AppendUint32(b, version)) + body
}

const version3 = 3 << 16

// TestGarbageAtTheDoor: whatever comes instead of a startup packet, the connection is closed, with an error where the
// protocol knows one, and the router serves on.
func TestGarbageAtTheDoor(t *testing.T) {
	needRouter(t)
	r := start(t, shared(t), "authentication_timeout = 2\n")
	noise := make([]byte, 100000)
	for i := range noise {
		noise[i] = byte(rand.IntN(256))
	}
	for _, test := range []struct{ name, sent, code string }{
		{"nothing at all", "", ""},
		{"half a length", "\x00\x00", ""},
		{"a length of nothing", "\x00\x00\x00\x00", ""},
		{"a negative length", "\xff\xff\xff\xff\x00\x03\x00\x00", ""},
		{"a length of 2 GB", "\x7f\xff\xff\xff\x00\x03\x00\x00", ""},
		{"half a packet", startup(version3, "user\x00postgres\x00\x00")[:12], ""},
		{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		{"TLS without a request", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ""},
		{"noise", string(noise), ""},
		{"protocol 2", startup(2<<16, strings.Repeat("\x00", 288)), "0A000"},
		{"protocol 4", startup(4<<16, "user\x00postgres\x00\x00"), "0A000"},
		{"no user", startup(version3, "database\x00postgres\x00\x00"), "28000"},
		{"no terminator", startup(version3, "user\x00postgres"), "08P01"},
		{"a value that is missing", startup(version3, "user\x00\x00"), ""},
		{"many parameters", startup(version3, "user\x00postgres\x00"+strings.Repeat("a\x00b\x00", 2000)+"\x00"), ""},
		{"a packet too long", startup(version3, "user\x00"+strings.Repeat("a", 20000)+"\x00\x00"), ""},
		{"a short cancel request", startup(80877102, "\x00\x00"), ""},
		{"a cancel request for nobody", startup(80877102, "\x00\x00\x00\x01\x00\x00\x00\x02"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			nc := r.dial(t)
			io.WriteString(nc, test.sent)
			answer, err := io.ReadAll(nc)
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				t.Fatalf("still open after %v", limit)
			}
			if test.code != "" && !strings.Contains(string(answer), "C"+test.code+"\x00") {
				t.Errorf("got %q, want SQLSTATE %s", answer, test.code)
			}
		})
	}
	t.Cleanup(func() { simple(t, r.connect(t), "SELECT 1") })
}

// TestSlowStartup: a startup packet may come byte by byte.
func TestSlowStartup(t *testing.T) {
	r := start(t, shared(t), "")
	nc := r.dial(t)
	for _, b := range []byte(startup(version3, "user\x00postgres\x00database\x00postgres\x00\x00")) {
		nc.Write([]byte{b})
		time.Sleep(time.Millisecond)
	}
	c := &raw{Frontend: pgproto3.NewFrontend(nc, nc), conn: nc}
	c.until(t, "ready I")
	c.send(t, query("SELECT 1"))
	c.receive(t, "a query", "columns 1", "row 1", "done SELECT 1", "ready I")
}

// TestOlderAndNewerProtocols: minor versions and options that are not known are answered, not refused.
func TestOlderAndNewerProtocols(t *testing.T) {
	needRouter(t)
	r := start(t, shared(t), "")
	for name, packet := range map[string]string{
		"3.2":                startup(version3+2, "user\x00postgres\x00database\x00postgres\x00\x00"),
		"3.9999":             startup(version3+9999, "user\x00postgres\x00database\x00postgres\x00\x00"),
		"an unknown option":  startup(version3, "user\x00postgres\x00database\x00postgres\x00_pq_.future\x001\x00\x00"),
		"GSSENC, SSL, plain": startup(80877104, "") + startup(80877103, "") + startup(version3, "user\x00postgres\x00database\x00postgres\x00\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			nc := r.dial(t)
			if strings.HasPrefix(name, "GSSENC") {
				no := make([]byte, 1)
				for _, request := range []string{packet[:8], packet[8:16]} {
					io.WriteString(nc, request)
					if _, err := io.ReadFull(nc, no); err != nil || no[0] != 'N' {
						t.Fatalf("got %q, %v", no, err)
					}
				}
				packet = packet[16:]
			}
			io.WriteString(nc, packet)
			c := &raw{Frontend: pgproto3.NewFrontend(nc, nc), conn: nc}
			c.until(t, "ready I")
			c.send(t, query("SELECT 1"))
			c.receive(t, "a query", "columns 1", "row 1", "done SELECT 1", "ready I")
		})
	}
}

// TestGarbageInSessions: frames that are none end the session that sent them with a reason, and no other one.
func TestGarbageInSessions(t *testing.T) {
	r := start(t, shared(t), reads)
	other := r.connect(t)
	for _, test := range []struct {
		name, sent string
		fatal      bool
	}{
		{"an unknown type", "!\x00\x00\x00\x04", true},
		{"a length below four", "Q\x00\x00\x00\x03", true},
		{"a negative length", "Q\xff\xff\xff\xff", true},
		{"a Query without an end", "Q\x00\x00\x00\x08SELE", false},
		{"an empty Query message", "Q\x00\x00\x00\x04", false},
		{"a Bind that is too short", "B\x00\x00\x00\x05\x00S\x00\x00\x00\x04", false},
		{"a Parse with a count too high", "P\x00\x00\x00\x10\x00SELECT 1\x00\xff\xffS\x00\x00\x00\x04", false},
		{"an Execute without an end", "E\x00\x00\x00\x06abS\x00\x00\x00\x04", false},
		{"a password out of turn", "p\x00\x00\x00\x06x\x00", true},
		{"a message cut by the end", "Q\x00\x00\x10\x00SELECT", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := r.raw(t)
			io.WriteString(s.conn, test.sent)
			if test.name == "a message cut by the end" {
				s.conn.Close()
				return
			}
			m, err := s.Receive()
			for err == nil && short(m) != "ready I" && !strings.HasPrefix(short(m), "error") {
				m, err = s.Receive()
			}
			if err != nil {
				t.Fatalf("no error: %v", err)
			}
			if got := short(m); got != "error 08P01" && got != "error 22021" && (test.fatal || !strings.HasPrefix(got, "error")) {
				t.Errorf("got %s", got)
			}
		})
	}
	want(t, "another session", simple(t, other, "SELECT 1"), "1")
}
