package link

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

func TestMessagesOfAllKindsGoBetweenAll(t *testing.T) {
	for _, key := range []string{testKey, ""} {
		t.Run(fmt.Sprintf("key %q", key), func(t *testing.T) {
			var nodes []*node
			for id := range clustermap.NodeID(3) {
				nodes = append(nodes, start(t, id, func(c *Config) { c.Key = key }))
			}
			join(nodes...)
			big := strings.Repeat("x", MaxBody)
			for _, from := range nodes {
				for _, to := range nodes {
					if from == to {
						continue
					}
					from.expect(t, 1, "up", to.cfg.Self)
					for k := Raft; k <= Answer; k++ {
						for _, body := range []string{"some words", "", big} {
							deliverKind(t, from, to, k, body)
						}
					}
				}
			}
		})
	}
}

func TestMessagesOfOneKindKeepTheirOrder(t *testing.T) {
	a, b := start(t, 0), start(t, 1)
	join(a, b)
	a.expect(t, 1, "up", 1)
	for i := range 200 {
		a.Send(1, Message{Ask, []byte{byte(i)}})
	}
	deliver(t, a, b, "enough")
	last := -1
	for _, e := range b.all("received", 0) {
		if e.m.Kind != Ask {
			continue
		}
		if now := int(e.m.Body[0]); now <= last {
			t.Fatalf("message %d came after message %d", now, last)
		} else {
			last = now
		}
	}
}

func TestWhatIsNoMessageIsNotSent(t *testing.T) {
	a, b := start(t, 0), start(t, 1)
	join(a, b)
	a.expect(t, 1, "up", 1)
	a.Send(1, Message{greeting, nil})
	a.Send(1, Message{Answer + 1, nil})
	a.Send(1, Message{Raft, make([]byte, MaxBody+1)})
	a.Send(5, Message{Raft, nil}) // not set
	deliver(t, a, b, "it still works")
	if l := b.all("received", 0); slices.ContainsFunc(l, func(e event) bool { return string(e.m.Body) != "it still works" }) {
		t.Fatalf("got %v", l)
	}
}

func TestPeersMoveAndLeave(t *testing.T) {
	a, b := start(t, 0), start(t, 1)
	join(a, b)
	deliver(t, a, b, "before")

	moved := start(t, 1, func(c *Config) { c.Boot = "another start" })
	b.stop()
	a.expect(t, 1, "gone", 1)
	a.SetPeers(map[clustermap.NodeID]string{1: moved.addr()})
	deliver(t, a, moved, "after")
	moved.SetPeers(map[clustermap.NodeID]string{0: a.addr()})
	deliver(t, moved, a, "from there")

	gone := len(a.all("gone", 1))
	a.SetPeers(nil)
	moved.stop()
	// A node of that number that calls now was not called back.
	f := startFake(t, 1)
	for {
		if _, answer := f.call(a); answer.Refused == "" {
			break
		}
	}
	if n := len(a.all("gone", 1)); n != gone {
		t.Fatal("a node that is no peer is gone")
	}
}

// A node that is not there yet is called until it is, and one that was away is up again.
func TestNodesComeAndGo(t *testing.T) {
	a := start(t, 0)
	b := start(t, 1)
	addr := b.addr()
	b.stop()
	a.SetPeers(map[clustermap.NodeID]string{1: addr})
	a.log.wait(t, "a node cannot be reached")
	for i := range 3 {
		b = start(t, 1, func(c *Config) { c.Listen = addr; c.Boot = fmt.Sprint("start ", i) })
		b.SetPeers(map[clustermap.NodeID]string{0: a.addr()})
		a.expect(t, i+1, "up", 1)
		deliver(t, a, b, fmt.Sprint("to start ", i))
		deliver(t, b, a, fmt.Sprint("of start ", i))
		b.stop()
		a.expect(t, i+1, "gone", 1)
	}
}

// A node that calls can be called: there is no reason to wait for the end of a pause, which here has none.
func TestACallEndsThePause(t *testing.T) {
	a := start(t, 0, func(c *Config) { c.Jitter = func() float64 { return 1e6 } })
	b := start(t, 1)
	addr := b.addr()
	b.stop()
	a.SetPeers(map[clustermap.NodeID]string{1: addr})
	a.log.wait(t, "a node cannot be reached")
	b = start(t, 1, func(c *Config) { c.Listen = addr })
	b.SetPeers(map[clustermap.NodeID]string{0: a.addr()})
	deliver(t, a, b, "at once")
}

func TestTheKernelGivesUpOnHostsThatSayNothing(t *testing.T) {
	a, b := start(t, 0), start(t, 1)
	join(a, b)
	deliver(t, a, b, "one way")
	deliver(t, b, a, "the other way")
	a.Link.mu.Lock()
	defer a.Link.mu.Unlock()
	for name, c := range map[string]contact{"dialed": a.Link.peers[1].out.contact, "accepted": a.Link.peers[1].in.contact} {
		raw, err := c.raw.(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		err = raw.Control(func(fd uintptr) {
			for option, want := range map[int]int{unix.TCP_USER_TIMEOUT: 1000, unix.TCP_KEEPIDLE: 1, unix.TCP_NODELAY: 1} {
				if got, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option); err != nil || got != want {
					t.Errorf("%s: option %d is %d, %v; want %d", name, option, got, err, want)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
