package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/pcpd/internal/command"
	"github.com/pgcrew/pgcrew/pcpd/internal/door"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what must come. No test decides by how long it took.
const patience = time.Minute

// world is a Server on loopback and on a Unix socket.
type world struct {
	server *Server
	tcp    string
	unix   string
	end    context.CancelFunc
	done   chan struct{}
	log    *logText
}

type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newWorld starts a Server that knows the user ann, whose answer is "right", and echoes payloads.
func newWorld(t *testing.T, change func(s *Server)) *world {
	t.Helper()
	w := &world{log: new(logText), done: make(chan struct{}), unix: filepath.Join(t.TempDir(), "s")}
	w.server = &Server{
		Enter: func(_, user, answer string, _ [frame.SaltSize]byte) error {
			if user == "ann" && answer == "right" {
				return nil
			}
			return &door.Refusal{User: user, Detail: "no"}
		},
		Do: func(_ context.Context, _, user string, f frame.Frame) command.Reply {
			return command.Reply{Bytes: frame.Append(nil, 'e', user, string(f.Payload))}
		},
		LoginTime:  func() time.Duration { return time.Hour },
		LogClients: func() bool { return true },
		Log:        slog.New(slog.NewTextHandler(w.log, nil)),
	}
	if change != nil {
		change(w.server)
	}
	var listeners []net.Listener
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": w.unix} {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		if network == "tcp" {
			w.tcp = l.Addr().String()
		}
		listeners = append(listeners, l)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.end = cancel
	go func() { w.server.Serve(ctx, listeners); close(w.done) }()
	t.Cleanup(func() { w.stop(t) })
	return w
}

func (w *world) stop(t *testing.T) {
	t.Helper()
	w.end()
	select {
	case <-w.done:
	case <-time.After(patience):
		t.Fatal("Serve does not end")
	}
}

// visitor is a client of the test.
type visitor struct {
	net.Conn
	t *testing.T
}

func (w *world) dial(t *testing.T, network string) *visitor {
	t.Helper()
	address := w.tcp
	if network == "unix" {
		address = w.unix
	}
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &visitor{c, t}
}

func (v *visitor) send(b []byte) {
	v.t.Helper()
	if _, err := v.Write(b); err != nil {
		v.t.Fatal(err)
	}
}

func (v *visitor) expect(what, want string) {
	v.t.Helper()
	f, err := frame.Read(v, frame.MaxReply)
	if err != nil {
		v.t.Fatalf("%s: %v", what, err)
	}
	got := string(f.Type) + " " + string(f.Payload)
	if p, err := frame.ParseProblem(f.Payload); f.Type == frame.ErrorReply && err == nil {
		got = p.Severity + " " + p.Message + ": " + p.Detail
	}
	if got != want {
		v.t.Fatalf("%s: %q, wanted %q", what, got, want)
	}
}

// over expects the connection to end, in order: a reset could have taken the last word with it.
func (v *visitor) over(what string) {
	v.t.Helper()
	if f, err := frame.Read(v, frame.MaxReply); err != io.EOF {
		v.t.Fatalf("%s: got %+v, %v instead of the end", what, f, err)
	}
}

// salt asks for one.
func (v *visitor) salt() {
	v.t.Helper()
	v.send(frame.Append(nil, frame.Salt))
	f, err := frame.Read(v, frame.MaxReply)
	if err != nil || f.Type != frame.SaltReply || len(f.Payload) != frame.SaltSize {
		v.t.Fatalf("the salt is %+v, %v", f, err)
	}
}

func (v *visitor) login() {
	v.t.Helper()
	v.salt()
	v.send(frame.Append(nil, frame.Login, "ann", "right"))
	v.expect("login", "r AuthenticationOK\x00")
}

func TestConversation(t *testing.T) {
	w := newWorld(t, nil)
	for _, network := range []string{"tcp", "unix"} {
		v := w.dial(t, network)
		v.login()
		for range 3 {
			v.send(frame.Append(nil, frame.NodeInfo, "1"))
			v.expect("a request", "e ann\x001\x00")
		}
		v.send(append(frame.Append(nil, frame.NodeCount), frame.Append(nil, frame.Exit)...))
		v.expect("the last request", "e ann\x00\x00")
		v.over("exit")
	}
	w.stop(t)
	if log := w.log.String(); !strings.Contains(log, "client=127.0.0.1 user=ann") || !strings.Contains(log, " of this host\" user=ann") {
		t.Errorf("the log does not tell who was there:\n%s", log)
	}
}

func TestNotLetIn(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]struct {
		salt bool
		send []byte
		want string
	}{
		"a wrong password":     {true, frame.Append(nil, frame.Login, "ann", "wrong"), `FATAL authentication failed for user "ann": no`},
		"no salt":              {false, frame.Append(nil, frame.Login, "ann", "right"), "FATAL authentication failed: the client has not asked for a salt"},
		"half a login":         {true, frame.Append(nil, frame.Login, "ann"), "FATAL authentication failed: the message is not a user and an answer, each ended by a zero byte"},
		"no login":             {true, frame.Append(nil, frame.NodeCount), "FATAL authentication failed for new PCP connection: connection not authorized"},
		"too long":             {false, []byte("L\x00\x00\x27\x10"), "FATAL invalid PCP packet: a message 'L' says that it has 10000 bytes; it can be 4 to 9999"},
		"another protocol":     {false, []byte("GET / HTTP/1.0\r\n\r\n"), "FATAL invalid PCP packet: a message 'G' says that it has 1163141167 bytes; it can be 4 to 9999"},
		"more behind the last": {true, append(frame.Append(nil, frame.NodeCount), bytes.Repeat([]byte("x"), 100000)...), "FATAL authentication failed for new PCP connection: connection not authorized"},
	} {
		t.Run(name, func(t *testing.T) {
			v := w.dial(t, "tcp")
			if c.salt {
				v.salt()
			}
			v.send(c.send)
			v.expect(name, c.want)
			v.over(name)
		})
	}
	// A salt serves once.
	v := w.dial(t, "tcp")
	v.login()
	v.send(frame.Append(nil, frame.Login, "ann", "right"))
	v.expect("a second login", "FATAL authentication failed: the client has not asked for a salt")
	v.over("a second login")
}

// A client that stops halfway is let go when its time is over.
func TestLoginTime(t *testing.T) {
	w := newWorld(t, func(s *Server) { s.LoginTime = func() time.Duration { return time.Millisecond } })
	w.dial(t, "tcp").over("a client that says nothing")
}

// One that does not read, and one whose request takes long, keep nobody from being served, and the end of the server ends
// them.
func TestNobodyWaits(t *testing.T) {
	begun := make(chan struct{}, 2)
	w := newWorld(t, func(s *Server) {
		do := s.Do
		s.Do = func(ctx context.Context, from, user string, f frame.Frame) command.Reply {
			switch f.Type {
			case frame.Recover:
				begun <- struct{}{}
				<-ctx.Done()
				return command.Reply{Bytes: frame.Append(nil, 'c', "gone on")}
			case frame.PoolStatus:
				begun <- struct{}{}
				return command.Reply{Bytes: frame.AppendRaw(nil, 'b', make([]byte, 8<<20))}
			}
			return do(ctx, from, user, f)
		}
	})
	slow, deaf := w.dial(t, "tcp"), w.dial(t, "tcp")
	slow.login()
	slow.send(frame.Append(nil, frame.Recover, "1"))
	deaf.login()
	deaf.send(frame.Append(nil, frame.PoolStatus))
	<-begun
	<-begun
	v := w.dial(t, "tcp")
	v.login()
	v.send(frame.Append(nil, frame.NodeCount))
	v.expect("another client", "e ann\x00\x00")
	w.end()
	slow.expect("the request that took long", "c gone on\x00")
	slow.over("the request that took long")
	v.over("one that waits")
	w.stop(t)
}

func TestTooMany(t *testing.T) {
	w := newWorld(t, nil)
	var first *visitor
	for range maxNeighbors {
		v := w.dial(t, "tcp")
		v.salt() // it has its place
		if first == nil {
			first = v
		}
	}
	late := w.dial(t, "tcp")
	late.send(frame.Append(nil, frame.Salt))
	late.expect("one too many", "FATAL sorry, too many PCP clients already: at a time there may be 128, and 16 of one address")
	late.over("one too many")
	w.dial(t, "unix").login() // another address

	first.Close()
	for end := time.Now().Add(patience); ; {
		v := w.dial(t, "tcp")
		v.send(frame.Append(nil, frame.Salt))
		if f, err := frame.Read(v, frame.MaxReply); err == nil && f.Type == frame.SaltReply {
			break
		}
		v.Close()
		if time.Now().After(end) {
			t.Fatal("a place that was given up is not given again")
		}
	}
}

// What follows a reply happens when the reply is out.
func TestThen(t *testing.T) {
	stop := make(chan struct{})
	w := newWorld(t, func(s *Server) {
		s.Do = func(context.Context, string, string, frame.Frame) command.Reply {
			return command.Reply{Bytes: frame.Append(nil, 't', frame.Complete), Then: func() { close(stop) }}
		}
	})
	go func() { <-stop; w.end() }()
	v := w.dial(t, "tcp")
	v.login()
	v.send(frame.Append(nil, frame.Stop, "s"))
	v.expect("stop", "t CommandComplete\x00")
	v.over("stop")
	<-w.done
}

func TestPlaces(t *testing.T) {
	p := places{most: 3, each: 2}
	for _, step := range []struct {
		from string
		want bool
	}{{"a", true}, {"a", true}, {"a", false}, {"b", true}, {"b", false}} {
		if got := p.take(step.from); got != step.want {
			t.Errorf("%s: %v", step.from, got)
		}
	}
	p.leave("a")
	p.leave("a")
	p.leave("b")
	if len(p.of) != 0 || p.taken != 0 {
		t.Errorf("left over: %+v", p.of)
	}
}
