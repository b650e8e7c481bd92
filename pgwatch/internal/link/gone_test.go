package link

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// An echo answers each Ask with a Grant of the same body.
type echo struct{ link atomic.Pointer[Link] }

func (e *echo) Receive(from clustermap.NodeID, m Message) {
	if m.Kind == Ask {
		e.link.Load().Send(from, Message{Grant, m.Body})
	}
}
func (e *echo) Up(clustermap.NodeID)   {}
func (e *echo) Gone(clustermap.NodeID) {}

// beChild is node 1 in a process of its own, until it is killed or its input ends. It prints its address.
func beChild(parent string) {
	h := &echo{}
	l, err := New(Config{
		Self: 1, Cluster: "blue", Key: testKey, Listen: "127.0.0.1:0", Boot: fmt.Sprint("process ", os.Getpid()),
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Jitter: rand.Float64,
	}, h)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	h.link.Store(l)
	l.SetPeers(map[clustermap.NodeID]string{0: parent})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		os.Stdin.Read(make([]byte, 1))
		cancel()
	}()
	fmt.Println(l.Addr())
	l.Run(ctx)
}

// startChild runs node 1 as a process, which ends in order when its input does.
func startChild(t *testing.T, parent *node) (c *exec.Cmd, input io.Closer) {
	t.Helper()
	c = exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "PGWATCH_TEST_PARENT="+parent.addr())
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		c.Process.Kill()
		c.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	parent.SetPeers(map[clustermap.NodeID]string{1: strings.TrimSpace(addr)})
	return c, in
}

// ask sends until it is answered.
func ask(t *testing.T, n *node, what string) {
	t.Helper()
	limit := time.After(patience)
	for {
		n.Send(1, Message{Ask, []byte(what)})
		for _, e := range n.all("received", 1) {
			if string(e.m.Body) == what {
				return
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-limit:
			t.Fatalf("no answer to %q", what)
		}
	}
}

func TestAKilledProcessIsGone(t *testing.T) {
	n := start(t, 0)
	c, _ := startChild(t, n)
	ask(t, n, "are you there?")
	if l := n.all("gone", 1); len(l) != 0 {
		t.Fatalf("gone while it lived: %v", l)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	n.expect(t, 1, "gone", 1)

	startChild(t, n)
	n.expect(t, 2, "up", 1)
	ask(t, n, "are you there again?")
	if l := n.all("gone", 1); len(l) != 1 {
		t.Fatalf("gone %d times", len(l))
	}
}

// A process is frozen until everything that this node tries has run into its limit, and works again afterwards.
func TestAFrozenProcessIsNotGone(t *testing.T) {
	n := start(t, 0)
	c, _ := startChild(t, n)
	ask(t, n, "before")
	if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	for len(n.log.lines("no answer within")) == 0 { // the connection has timed out, and so did a new one
		n.Send(1, Message{Raft, make([]byte, MaxBody)})
		time.Sleep(time.Millisecond)
		if time.Since(stopped) > patience {
			t.Fatalf("nothing timed out, but:\n%s", strings.Join(n.log.lines(""), ""))
		}
	}
	if err := c.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	ask(t, n, "after")
	if l := n.all("gone", 1); len(l) != 0 {
		t.Fatal("a frozen process is gone")
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	n.expect(t, 1, "gone", 1)
}

// A process that ends in order is gone as well.
func TestAProcessThatEndsIsGone(t *testing.T) {
	n := start(t, 0)
	_, input := startChild(t, n)
	ask(t, n, "are you there?")
	input.Close()
	n.expect(t, 1, "gone", 1)
}

// Whoever hangs up and answers the next call lives.
func TestAProcessThatAnswersIsNotGone(t *testing.T) {
	n, f := start(t, 0), startFake(t, 1)
	n.SetPeers(map[clustermap.NodeID]string{1: f.listener.Addr().String()})
	c := f.answer()
	n.expect(t, 1, "up", 1)
	for range 5 {
		c.NetConn().Close()
		c = f.answer()
	}
	f.listener.Close()
	c.NetConn().Close()
	n.expect(t, 1, "gone", 1)
	if up, gone := n.all("up", 1), n.all("gone", 1); len(up) != 1 || len(gone) != 1 {
		t.Fatalf("%d times up, %d times gone", len(up), len(gone))
	}
}

// The connection that the other side dialed tells as well, and costs the other one nothing.
func TestAnEndOfTheOtherSidesConnectionIsLookedInto(t *testing.T) {
	n, f := start(t, 0), startFake(t, 1)
	n.SetPeers(map[clustermap.NodeID]string{1: f.listener.Addr().String()})
	first := f.answer()
	n.expect(t, 1, "up", 1)
	theirs, answer := f.call(n)
	if answer.Refused != "" {
		t.Fatal(answer.Refused)
	}
	theirs.NetConn().Close()
	second := f.answer() // the call that finds out
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Fatal("the old connection goes on")
	}
	n.Send(1, Message{Raft, []byte("on the new one")})
	if m, err := readFrame(second, MaxBody); err != nil || string(m.Body) != "on the new one" {
		t.Fatalf("got %v, %v", m, err)
	}
	theirs, _ = f.call(n)
	f.listener.Close()
	theirs.NetConn().Close()
	n.expect(t, 1, "gone", 1)
}

// A kernel that closes the sockets of a killed process one after another accepts calls for a while.
func TestACallThatIsAcceptedAndClosedProvesNothing(t *testing.T) {
	n, f := start(t, 0), startFake(t, 1)
	n.SetPeers(map[clustermap.NodeID]string{1: f.listener.Addr().String()})
	c := f.answer()
	n.expect(t, 1, "up", 1)
	c.NetConn().Close()
	f.accept().Close()
	f.accept().Close()
	f.listener.Close()
	n.expect(t, 1, "gone", 1)
}

// Whoever listens and hangs up on every call, or takes calls and says nothing, may be overloaded: timers decide.
func TestWhoeverListensIsNotGone(t *testing.T) {
	for name, treat := range map[string]func(*fake){
		"hangs up": func(f *fake) {
			for start := time.Now(); time.Since(start) < 3*redialFor; {
				f.accept().Close()
			}
		},
		"says nothing": func(f *fake) {
			c := f.accept()
			for b := make([]byte, 4096); ; {
				if _, err := c.Read(b); err != nil {
					return // the caller gave up
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, f := start(t, 0), startFake(t, 1)
			n.SetPeers(map[clustermap.NodeID]string{1: f.listener.Addr().String()})
			c := f.answer()
			n.expect(t, 1, "up", 1)
			c.NetConn().Close()
			treat(f)
			f.answer()
			n.expect(t, 2, "up", 1)
			if l := n.all("gone", 1); len(l) != 0 {
				t.Fatal("gone")
			}
		})
	}
}

// Of a node that was never reached nothing is known.
func TestANodeThatNeverAnsweredIsNotGone(t *testing.T) {
	n, f := start(t, 0), startFake(t, 1)
	addr := f.listener.Addr().String()
	f.listener.Close()
	n.SetPeers(map[clustermap.NodeID]string{1: addr})
	n.log.wait(t, "connection refused")
	theirs, answer := f.call(n)
	if answer.Refused != "" {
		t.Fatal(answer.Refused)
	}
	theirs.NetConn().Close()
	again := start(t, 1, func(c *Config) { c.Listen = addr })
	deliver(t, n, again, "at last")
	if l := n.all("gone", 1); len(l) != 0 {
		t.Fatal("gone")
	}
}
