package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is far more than anything here takes.
const patience = 30 * time.Second

// serve starts a server with h on a new socket, and stops it with the test.
func serve(t *testing.T, h Handler) *Server {
	t.Helper()
	s, err := Listen(filepath.Join(t.TempDir(), "s"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(context.Background(), h) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("Serve goes on after Close")
		}
		if _, err := os.Lstat(s.path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	})
	return s
}

func withPatience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

type numbers struct{ A, B int }

func adder(_ context.Context, from Peer, r Request) (any, error) {
	switch r.Op {
	case "add":
		var n numbers
		if err := r.Bind(&n); err != nil {
			return nil, err
		}
		return n.A + n.B, nil
	case "who":
		return from, nil
	case "nothing":
		return nil, nil
	case "revised":
		return Revised{Revision{Epoch: 3, Index: 4}, "x"}, nil
	case "condition":
		return r.If, nil
	case "fail":
		return nil, fmt.Errorf("detach node 1: no such node")
	case "elsewhere":
		return nil, fmt.Errorf("wrapped: %w", &Error{Code: CodeNotLeader, Leader: "b", Msg: "not here"})
	case "huge":
		return strings.Repeat("x", MaxAnswer), nil
	case "large":
		return strings.Repeat("x", MaxAnswer/2), nil
	case "unwritable":
		return func() {}, nil
	}
	return nil, Unknown(r.Op)
}

func TestCall(t *testing.T) {
	path, ctx := serve(t, adder).Path(), withPatience(t)
	for _, c := range []struct {
		op   string
		args any
		want string // of the error
	}{
		{"fail", nil, "failed detach node 1: no such node"},
		{"elsewhere", nil, "not_leader not here: the leader is b"},
		{"subtract", nil, `unknown_op there is no operation "subtract"`},
		{"add", 7, "bad_request add: arguments 7: json: cannot unmarshal number into Go value of type control.numbers"},
		{"add", map[string]int{"c": 1}, `bad_request add: arguments {"c":1}: json: unknown field "c"`},
		{"huge", nil, "failed the answer to huge has more than 16777216 bytes"},
		{"unwritable", nil, "failed write the answer to unwritable: json: unsupported type: func()"},
		{"", nil, "bad_request this request has no op"},
	} {
		err := Call(ctx, path, c.op, c.args, nil)
		var e *Error
		if !errors.As(err, &e) || e.Code+" "+e.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.op, err, c.want)
		}
	}

	var sum int
	if err := Call(ctx, path, "add", numbers{40, 2}, &sum); err != nil || sum != 42 {
		t.Errorf("40 + 2 = %d, %v", sum, err)
	}
	var peer Peer
	if err := Call(ctx, path, "who", nil, &peer); err != nil || peer != (Peer{uint32(os.Getuid()), uint32(os.Getgid()), int32(os.Getpid())}) {
		t.Errorf("this is %+v, %v", peer, err)
	}
	var text string
	if err := Call(ctx, path, "large", nil, &text); err != nil || len(text) != MaxAnswer/2 {
		t.Errorf("a large answer has %d bytes, %v", len(text), err)
	}
	if err := Call(ctx, path, "nothing", nil, nil); err != nil {
		t.Error(err)
	}
	if err := Call(ctx, path, "nothing", nil, &sum); err == nil || !strings.Contains(err.Error(), "the answer is empty") {
		t.Errorf("got %v", err)
	}
	if err := Call(ctx, path, "add", strings.Repeat("x", MaxRequest), nil); err == nil || !strings.Contains(err.Error(), "the limit is") {
		t.Errorf("a request that is too long: %v", err)
	}
	if a, err := Ask(ctx, path, Request{ID: 9, Op: "revised"}); err != nil || a.ID != 9 || *a.Rev != (Revision{3, 4}) || string(a.D) != `"x"` {
		t.Errorf("got %+v, %v", a, err)
	}
	if a, err := Ask(ctx, path, Request{Op: "condition", If: &Condition{Epoch: 5}}); err != nil || string(a.D) != `{"epoch":5}` {
		t.Errorf("got %+v, %v", a, err)
	}
}

// Lines as another program might send them.
func TestLines(t *testing.T) {
	path := serve(t, adder).Path()
	for _, c := range []struct{ name, send, want string }{
		{"several requests", `{"id":1,"op":"add","args":{"a":1,"b":2}}` + "\n" + `{"id":2,"op":"nothing","colour":1}` + "\n", `{"id":1,"ok":true,"d":3}` + "\n" + `{"id":2,"ok":true}` + "\n"},
		{"no JSON, then a request", "status\n" + `{"id":2,"op":"nothing"}` + "\r\n", `{"id":0,"ok":false,"err":{"code":"bad_request","msg":"this is no JSON object"}}` + "\n" + `{"id":2,"ok":true}` + "\n"},
		{"empty line", "\n", `{"id":0,"ok":false,"err":{"code":"bad_request","msg":"this is no JSON object"}}` + "\n"},
		{"wrong type", `{"id":5,"op":5}` + "\n", `{"id":5,"ok":false,"err":{"code":"bad_request","msg":"this is no request: json: cannot unmarshal number into Go struct field Request.op of type string"}}` + "\n"},
		{"too long", `{"op":"` + strings.Repeat("x", MaxRequest) + "\"}\n" + `{"id":2,"op":"nothing"}` + "\n", `{"id":0,"ok":false,"err":{"code":"bad_request","msg":"line too long: more than 65536 bytes"}}` + "\n"},
		{"cut off", `{"id":1,"op":"nothing"}`, ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, path)
			if _, err := conn.Write([]byte(c.send)); err != nil && c.name != "too long" {
				t.Fatal(err)
			}
			conn.CloseWrite()
			var got bytes.Buffer
			if _, err := got.ReadFrom(conn); err != nil && c.name != "too long" { // which ends with a reset
				t.Fatal(err)
			}
			if got.String() != c.want {
				t.Errorf("sent %.200s\ngot  %s\nwant %s", c.send, &got, c.want)
			}
		})
	}
}

func dial(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.UnixConn)
}

func TestListen(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "s")

	for name, c := range map[string]struct{ path, want string }{
		"no folder":     {filepath.Join(folder, "none", "s"), "no such file or directory"},
		"name too long": {filepath.Join(folder, strings.Repeat("x", 108)), "at most 107 bytes"},
	} {
		if _, err := Listen(c.path, 0o600); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, 0o600); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("over a file: %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Error("the file is gone")
	}
	os.Remove(path)

	// What a program leaves that was killed.
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	s, err := Listen(path, 0o640)
	if err != nil {
		t.Fatalf("over a stale socket: %v", err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}

	if _, err := Listen(path, 0o600); err == nil || !strings.Contains(err.Error(), "another program answers") {
		t.Errorf("over a socket in use: %v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the socket in use is gone: %v", err)
	}

	// The name now belongs to another program, which keeps it.
	os.Remove(path)
	other, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the other program's socket is gone: %v", err)
	}
}

// Of many programs that start at once over a stale socket, one wins.
func TestListenRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()

	winners := make(chan *Server, 20)
	var wait sync.WaitGroup
	for range cap(winners) {
		wait.Go(func() {
			if s, err := Listen(path, 0o600); err == nil {
				winners <- s
			}
		})
	}
	wait.Wait()
	if len(winners) != 1 {
		t.Errorf("%d programs have the socket", len(winners))
	}
	for range len(winners) {
		if err := (<-winners).Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	ctx, path := withPatience(t), filepath.Join(t.TempDir(), "s")
	gone, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	gone.SetUnlinkOnClose(false)
	gone.Close()
	for _, of := range []string{path, path + ".none"} {
		if err := Call(ctx, of, "status", nil, nil); !Absent(err) || !strings.Contains(err.Error(), "the program is not running") {
			t.Errorf("got %v", err)
		}
	}
	os.Remove(path)

	// One that accepts and says nothing, and one that hangs up.
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := Call(short, path, "status", nil, nil); !errors.Is(err, context.DeadlineExceeded) || Absent(err) {
		t.Errorf("got %v, want that the time is over", err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			bufio.NewReader(c).ReadString('\n')
			c.Close()
		}
	}()
	if err := Call(ctx, path, "status", nil, nil); err == nil || !strings.Contains(err.Error(), "without an answer") {
		t.Errorf("got %v", err)
	}
}

// Close lets a request that is being carried out be answered, and waits for it; clients that ask
// nothing do not hold it up.
func TestCloseWaits(t *testing.T) {
	started := make(chan bool)
	s := serve(t, func(ctx context.Context, _ Peer, _ Request) (any, error) {
		close(started)
		<-ctx.Done()
		return "stopped", nil
	})
	idle := dial(t, s.Path())
	var answer string
	asked := make(chan error, 1)
	go func() { asked <- Call(withPatience(t), s.Path(), "stop", nil, &answer) }()
	<-started
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-asked; err != nil || answer != "stopped" {
		t.Errorf("got %q, %v", answer, err)
	}
	if _, err := idle.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("the idle client is still connected: %v", err)
	}
}

// The end of the context of Serve is as good as Close.
func TestServeContext(t *testing.T) {
	s, err := Listen(filepath.Join(t.TempDir(), "s"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, adder) }()
	if err := Call(withPatience(t), s.Path(), "nothing", nil, nil); err != nil {
		t.Error(err)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("Serve goes on")
	}
}

// A client too many is told so, and there is place again when one leaves.
func TestTooMany(t *testing.T) {
	s := serve(t, adder)
	ctx := withPatience(t)
	conns := make([]*net.UnixConn, maxClients)
	for i := range conns {
		conns[i] = dial(t, s.Path())
	}
	for {
		s.mu.Lock()
		n := len(s.conns)
		s.mu.Unlock()
		if n == maxClients {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("%d clients are served", n)
		}
		time.Sleep(time.Millisecond)
	}
	var e *Error
	if err := Call(ctx, s.Path(), "nothing", nil, nil); !errors.As(err, &e) || e.Code != CodeBusy {
		t.Errorf("got %v", err)
	}
	conns[0].Close()
	for Call(ctx, s.Path(), "nothing", nil, nil) != nil {
		if ctx.Err() != nil {
			t.Fatal("there is no place again")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestManyAtOnce(t *testing.T) {
	path, ctx := serve(t, adder).Path(), withPatience(t)
	var wait sync.WaitGroup
	for i := range 50 {
		wait.Go(func() {
			for j := range 20 {
				var sum int
				if err := Call(ctx, path, "add", numbers{i, j}, &sum); err != nil || sum != i+j {
					t.Errorf("%d + %d = %d, %v", i, j, sum, err)
				}
			}
		})
	}
	wait.Wait()
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"id":1,"op":"node.detach","args":{"node":1,"graceful":true},"if":{"epoch":12}}`))
	f.Add([]byte(`{"op":"x","args":null,"if":null}`))
	f.Add([]byte("{}\r"))
	f.Add([]byte("[]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		line, err := readLine(bufio.NewReaderSize(bytes.NewReader(append(text, '\n')), 16), 1<<12)
		if err != nil {
			if len(text) < 1<<12 {
				t.Fatalf("%d bytes: %v", len(text), err)
			}
			return
		}
		r, err := parseRequest(line)
		if err != nil {
			return
		}
		first, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", r, err)
		}
		again, err := parseRequest(first)
		if err != nil {
			t.Fatalf("%s cannot be read again: %v", first, err)
		}
		if second, _ := json.Marshal(again); !bytes.Equal(first, second) {
			t.Fatalf("%s became %s", first, second)
		}
	})
}
