package main

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgvip/internal/nettest"
)

var nobody = net.HardwareAddr{2, 0, 0, 0, 0, 0x99}

// A host that has the address without a right to it is reported, waited for, and then not heeded: the address is taken and
// defended.
func TestConflict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		vip  netip.Addr
	}{{"IPv4", vip4}, {"IPv6", vip6}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := nettest.New(t)
			a, foreign, client := n.Host("a"), n.Host("foreign"), n.Host("client")
			foreign.Add(netip.PrefixFrom(c.vip, c.vip.BitLen()))
			l := newLeader(t)
			p := startHold(t, a, "delegate_ip = '"+c.vip.String()+"'\n", "--patient")
			l.follow(t, p.in, "a")
			l.grant("a", 1)
			eventually(t, "vip.conflict", p.wrote(event.TypeVIPConflict, 1))
			if !strings.Contains(p.out.String(), `"mac":"`+foreign.MAC.String()+`"`) || a.Address(c.vip) != nil {
				t.Errorf("wrote %s, and has %v", p.out, a.Address(c.vip))
			}
			eventually(t, "it is taken in the end", p.wrote(event.TypeVIPUp, 1))

			// The other host announces itself; pgvip says who is right.
			if _, words, err := foreign.Run("pgvip", "claim", "--force", c.vip.String()+"%eth0", "--config", configure(t, "")); err != nil {
				t.Fatalf("%v: %s", err, words)
			}
			client.SetNeighbor(c.vip, foreign.MAC)
			foreign.Run("pgvip", "claim", "--force", c.vip.String()+"%eth0", "--config", configure(t, ""))
			eventually(t, "the client knows a", func() bool { return client.Neighbor(c.vip) == a.MAC.String() })
		})
	}
}

// A cable that was out tells a switch, and neighbours, nothing: the address is announced again.
func TestCable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		vip  netip.Addr
	}{{"IPv4", vip4}, {"IPv6", vip6}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := nettest.New(t)
			a, client := n.Host("a"), n.Host("client")
			l := newLeader(t)
			p := startHold(t, a, "delegate_ip = '"+c.vip.String()+"'\n")
			l.follow(t, p.in, "a")
			l.grant("a", 1)
			eventually(t, "vip.up", p.wrote(event.TypeVIPUp, 1))
			client.SetNeighbor(c.vip, nobody)
			a.Cable(false)
			client.SetNeighbor(c.vip, nobody)
			a.Cable(true)
			eventually(t, "the client knows a again", func() bool { return client.Neighbor(c.vip) == a.MAC.String() })
		})
	}
}

// An address that somebody removes comes back with the next tick.
func TestRemovedBehindItsBack(t *testing.T) {
	t.Parallel()
	a := nettest.New(t).Host("a")
	l := newLeader(t)
	p := startHold(t, a, "")
	l.follow(t, p.in, "a")
	l.grant("a", 1)
	eventually(t, "vip.up", p.wrote(event.TypeVIPUp, 1))
	for range 3 {
		if err := a.Kernel.AddrDel(a.Link("eth0"), a.Address(vip4)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is back", func() bool { return a.Address(vip4) != nil })
	}
}
