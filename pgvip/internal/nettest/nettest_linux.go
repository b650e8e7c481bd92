// Package nettest makes hosts on one Ethernet, each a network namespace, for tests that need root.
package nettest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// The networks that all hosts are on; host n has the address with n at its end.
var (
	net4 = netip.MustParsePrefix("198.51.100.0/24")
	net6 = netip.MustParsePrefix("fd00:51::/64")
)

// A Network is a switch with hosts.
type Network struct {
	t     testing.TB
	wires netns.NsHandle
	on    *netlink.Handle
	hosts int
}

// A Host has the interface eth0.
type Host struct {
	Name   string
	MAC    net.HardwareAddr
	IP     netip.Addr
	IP6    netip.Addr
	Kernel *netlink.Handle // its addresses, routes and neighbours

	t       testing.TB
	ns      netns.NsHandle
	network *Network
}

// New makes a Network that lasts as long as the test. Where namespaces cannot be made the test is skipped, or fails
// when PGCREW_REQUIRE_NETNS is 1.
func New(t testing.TB) *Network {
	t.Helper()
	n := &Network{t: t}
	var err error
	if os.Geteuid() != 0 {
		err = fmt.Errorf("only root can make network namespaces")
	} else {
		n.wires, n.on, err = namespace()
	}
	if err != nil && os.Getenv("PGCREW_REQUIRE_NETNS") == "1" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err, "(PGCREW_REQUIRE_NETNS=1 makes this a failure)")
	}
	t.Cleanup(func() { n.on.Close(); n.wires.Close() })
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "bridge0"}}
	n.must(n.on.LinkAdd(bridge))
	n.must(n.on.LinkSetUp(bridge))
	return n
}

func (n *Network) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// namespace makes a namespace that lasts as long as its handles.
func namespace() (ns netns.NsHandle, h *netlink.Handle, err error) {
	done := make(chan struct{})
	go func() { // its thread ends with it
		defer close(done)
		runtime.LockOSThread()
		if ns, err = netns.New(); err != nil {
			err = fmt.Errorf("make a network namespace: %w", err)
			return
		}
		h, err = netlink.NewHandle()
	}()
	<-done
	return ns, h, err
}

// Host makes the next host.
func (n *Network) Host(name string) *Host {
	n.t.Helper()
	n.hosts++
	h := &Host{Name: name, MAC: net.HardwareAddr{2, 0, 0, 0, 0, byte(n.hosts)}, t: n.t, network: n}
	four, six := net4.Addr().As4(), net6.Addr().As16()
	four[3], six[15] = byte(n.hosts), byte(n.hosts)
	h.IP, h.IP6 = netip.AddrFrom4(four), netip.AddrFrom16(six)
	var err error
	h.ns, h.Kernel, err = namespace()
	n.must(err)
	n.t.Cleanup(func() { h.Kernel.Close(); h.ns.Close() })
	h.Do(func() {
		// No waiting for duplicate address detection.
		for _, scope := range []string{"all", "default"} {
			err = errors.Join(err, os.WriteFile("/proc/sys/net/ipv6/conf/"+scope+"/accept_dad", []byte("0"), 0))
		}
	})
	n.must(err)
	cable := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: h.Port()}, PeerName: "eth0",
		PeerHardwareAddr: h.MAC, PeerNamespace: netlink.NsFd(h.ns),
	}
	n.must(n.on.LinkAdd(cable))
	bridge, err := n.on.LinkByName("bridge0")
	n.must(err)
	n.must(n.on.LinkSetMaster(cable, bridge))
	n.must(n.on.LinkSetUp(cable))
	for _, dev := range []string{"lo", "eth0"} {
		n.must(h.Kernel.LinkSetUp(h.Link(dev)))
	}
	h.Add(netip.PrefixFrom(h.IP, net4.Bits()))
	h.Add(netip.PrefixFrom(h.IP6, net6.Bits()))
	return h
}

// Port is the name of the host's port on the switch.
func (h *Host) Port() string { return "to-" + h.Name }

// Link returns an interface.
func (h *Host) Link(name string) netlink.Link {
	h.t.Helper()
	link, err := h.Kernel.LinkByName(name)
	if err != nil {
		h.t.Fatalf("host %s: %v", h.Name, err)
	}
	return link
}

// Add gives eth0 an address.
func (h *Host) Add(p netip.Prefix) {
	h.t.Helper()
	a := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := h.Kernel.AddrAdd(h.Link("eth0"), a); err != nil {
		h.t.Fatalf("host %s: %v", h.Name, err)
	}
}

// Address returns an address of eth0, or nil.
func (h *Host) Address(ip netip.Addr) *netlink.Addr {
	h.t.Helper()
	all, err := h.Kernel.AddrList(h.Link("eth0"), netlink.FAMILY_ALL)
	if err != nil {
		h.t.Fatalf("host %s: %v", h.Name, err)
	}
	for _, a := range all {
		if a.IP.Equal(ip.AsSlice()) {
			return &a
		}
	}
	return nil
}

// Neighbor returns the MAC that the host's kernel knows for an address, or "".
func (h *Host) Neighbor(ip netip.Addr) string {
	h.t.Helper()
	all, err := h.Kernel.NeighList(h.Link("eth0").Attrs().Index, netlink.FAMILY_ALL)
	if err != nil {
		h.t.Fatalf("host %s: %v", h.Name, err)
	}
	for _, each := range all {
		if each.IP.Equal(ip.AsSlice()) && each.HardwareAddr != nil {
			return each.HardwareAddr.String()
		}
	}
	return ""
}

// SetNeighbor makes the host's kernel believe that an address is at a MAC, for a while.
func (h *Host) SetNeighbor(ip netip.Addr, mac net.HardwareAddr) {
	h.t.Helper()
	if err := h.Kernel.NeighSet(&netlink.Neigh{
		LinkIndex: h.Link("eth0").Attrs().Index, State: netlink.NUD_REACHABLE, IP: ip.AsSlice(), HardwareAddr: mac,
	}); err != nil {
		h.t.Fatalf("host %s: %v", h.Name, err)
	}
}

// Cable puts the host's cable into the switch, or pulls it out.
func (h *Host) Cable(in bool) {
	h.t.Helper()
	port, err := h.network.on.LinkByName(h.Port())
	h.network.must(err)
	if in {
		err = h.network.on.LinkSetUp(port)
	} else {
		err = h.network.on.LinkSetDown(port)
	}
	h.network.must(err)
}

// Do runs f on the host. Sockets that it opens and processes that it starts stay there.
func (h *Host) Do(f func()) {
	h.t.Helper()
	var err error
	done := make(chan struct{})
	go func() { // its thread ends with it
		defer close(done)
		runtime.LockOSThread()
		if err = netns.Set(h.ns); err == nil {
			f()
		}
	}()
	<-done
	if err != nil {
		h.t.Fatalf("enter host %s: %v", h.Name, err)
	}
}

// Run runs a program on the host to its end and returns what it wrote to standard output and to standard error.
func (h *Host) Run(program string, args ...string) (out, words string, err error) {
	cmd := exec.Command(program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	h.Do(func() { err = cmd.Run() })
	return strings.TrimSpace(stdout.String()), strings.TrimSpace(stderr.String()), err
}
