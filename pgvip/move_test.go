package main

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgvip/internal/nettest"
)

// The address moves from host to host; what a client of the same network sees is told.
func TestMove(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		vip  netip.Addr
	}{{"IPv4", vip4}, {"IPv6", vip6}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := nettest.New(t)
			a, b, client := n.Host("a"), n.Host("b"), n.Host("client")
			l := newLeader(t)
			settings := "delegate_ip = '" + c.vip.String() + "'\n"
			atA, atB := startHold(t, a, settings), startHold(t, b, settings)
			l.follow(t, atA.in, "a")
			l.follow(t, atB.in, "b")
			echo(t, a)
			echo(t, b)
			answers := ask(t, client, c.vip)

			l.grant("a", 1)
			eventually(t, "a answers", func() bool { return answers().by == "a" })
			l.grant("b", 2)
			eventually(t, "b answers", func() bool { return answers().by == "b" })
			if got := client.Neighbor(c.vip); got != b.MAC.String() {
				t.Errorf("the client has %s for %s, not %s", got, c.vip, b.MAC)
			}
			eventually(t, "a gives the address up", func() bool { return a.Address(c.vip) == nil })
			t.Logf("without an answer: %v", answers().gap)
			eventually(t, "a reports that it gave the address up", atA.wrote(event.TypeVIPDown, 1))
		})
	}
}

// A holder that is killed loses the address by the kernel's hand, and then the next one takes it.
func TestKill(t *testing.T) {
	t.Parallel()
	n := nettest.New(t)
	a, b, client := n.Host("a"), n.Host("b"), n.Host("client")
	l := newLeader(t)
	atA, atB := startHold(t, a, ""), startHold(t, b, "", "--patient")
	l.follow(t, atA.in, "a")
	l.follow(t, atB.in, "b")
	echo(t, a)
	echo(t, b)
	answers := ask(t, client, vip4)
	l.grant("a", 1)
	eventually(t, "a answers", func() bool { return answers().by == "a" })
	atA.signal(syscall.SIGKILL)
	killed := time.Now()
	atA.end()
	if addr := a.Address(vip4); addr == nil || time.Duration(addr.ValidLft)*time.Second > lease {
		t.Errorf("behind a killed pgvip the kernel has %+v, wanted a lifetime of %v at most", addr, lease)
	}
	l.grant("b", 2)
	eventually(t, "the kernel removes it", func() bool { return a.Address(vip4) == nil })
	t.Logf("removed by the kernel after %v", time.Since(killed))
	eventually(t, "b answers", func() bool { return answers().by == "b" })
	t.Logf("without an answer: %v", answers().gap)
	if !atB.wrote(event.TypeVIPConflict, 1)() {
		t.Error("b did not report that it met a's kernel")
	}
}

// The address is taken at once from a kernel that still has it.
func TestImpatient(t *testing.T) {
	t.Parallel()
	n := nettest.New(t)
	a, b, client := n.Host("a"), n.Host("b"), n.Host("client")
	l := newLeader(t)
	atB := startHold(t, b, "")
	l.follow(t, atB.in, "b")
	a.Add(netip.PrefixFrom(vip4, 32)) // for ever
	echo(t, a)
	echo(t, b)
	answers := ask(t, client, vip4)
	eventually(t, "a answers", func() bool { return answers().by == "a" })
	l.grant("b", 2)
	eventually(t, "b answers", func() bool { return answers().by == "b" })
	if !atB.wrote(event.TypeVIPConflict, 1)() {
		t.Error("b did not report that it met a")
	}
}

// echo answers each datagram with the host's name, from the address to which it came.
func echo(t *testing.T, h *nettest.Host) {
	t.Helper()
	for _, network := range []string{"udp4", "udp6"} {
		var c net.PacketConn
		var err error
		h.Do(func() { c, err = net.ListenPacket(network, ":7000") })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		go func() {
			buf := make([]byte, 64)
			if network == "udp4" {
				p := ipv4.NewPacketConn(c)
				p.SetControlMessage(ipv4.FlagDst, true)
				for {
					_, cm, from, err := p.ReadFrom(buf)
					if err != nil {
						return
					}
					p.WriteTo([]byte(h.Name), &ipv4.ControlMessage{Src: cm.Dst}, from)
				}
			}
			p := ipv6.NewPacketConn(c)
			p.SetControlMessage(ipv6.FlagDst, true)
			for {
				_, cm, from, err := p.ReadFrom(buf)
				if err != nil {
					return
				}
				p.WriteTo([]byte(h.Name), &ipv6.ControlMessage{Src: cm.Dst}, from)
			}
		}()
	}
}

// heard is what a client has seen so far.
type heard struct {
	by  string        // who answered last
	gap time.Duration // between the last answer of the holder before and the first of this one
}

// ask sends a datagram to an address each millisecond, and returns what tells who answers.
func ask(t *testing.T, h *nettest.Host, to netip.Addr) func() heard {
	t.Helper()
	var c net.PacketConn
	var err error
	h.Do(func() { c, err = net.ListenPacket("udp", ":0") })
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { c.Close(); <-done })
	go func() {
		defer close(done)
		for {
			if _, err := c.WriteTo([]byte("who"), net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 7000))); err != nil && isClosed(err) {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	state := make(chan heard, 1)
	state <- heard{}
	go func() {
		buf := make([]byte, 64)
		var last time.Time
		for {
			n, _, err := c.ReadFrom(buf)
			if err != nil && isClosed(err) {
				return
			}
			if err != nil {
				continue
			}
			now := heard{by: string(buf[:n])}
			before := <-state
			if now.gap = before.gap; before.by != now.by && before.by != "" {
				now.gap = time.Since(last)
			}
			last = time.Now()
			state <- now
		}
	}()
	return func() heard {
		s := <-state
		state <- s
		return s
	}
}

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }
