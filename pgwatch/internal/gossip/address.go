package gossip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// addresses are what to listen on. The name of an interface stands for its addresses.
func (g *Gossip) addresses() ([]string, error) {
	var list []string
	for _, a := range g.Listen {
		if a == "*" {
			continue
		}
		if _, err := netip.ParseAddr(a); err == nil {
			list = append(list, a)
			continue
		}
		dev, err := net.InterfaceByName(a)
		if err != nil {
			return nil, fmt.Errorf("%s is neither an address nor a network interface of this host: %w", a, err)
		}
		own, err := dev.Addrs()
		if err != nil {
			return nil, fmt.Errorf("interface %s: %w", a, err)
		}
		found := len(list)
		for _, each := range own {
			if p, err := netip.ParsePrefix(each.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
				list = append(list, p.Addr().String())
			}
		}
		if len(list) == found {
			return nil, fmt.Errorf("interface %s has no address", a)
		}
	}
	if len(list) == 0 {
		list = []string{anyAddress()}
	}
	return list, nil
}

// anyAddress stands for all addresses: :: takes IPv4 as well where the kernel knows IPv6.
func anyAddress() string {
	l, err := net.Listen("tcp", "[::]:0")
	if err != nil {
		return "0.0.0.0"
	}
	l.Close()
	return "::"
}

// advertise is the address at which the others reach this node. Many hosts resolve their own name to a loopback address, which is
// of no use to others: then it is the one from which this host would call them.
func (g *Gossip) advertise(ctx context.Context) (string, int, error) {
	own, err := resolve(ctx, g.Advertise)
	if err != nil {
		return "", 0, err
	}
	best := netip.MustParseAddrPort(own[0])
	for _, a := range own {
		if p := netip.MustParseAddrPort(a); !p.Addr().IsLoopback() {
			best = p
			break
		}
	}
	if !best.Addr().IsLoopback() {
		return best.Addr().String(), int(best.Port()), nil
	}
	for _, seed := range g.Seeds {
		to, err := resolve(ctx, seed)
		if err != nil || netip.MustParseAddrPort(to[0]).Addr().IsLoopback() {
			continue
		}
		c, err := net.Dial("udp", to[0]) // asks the kernel for a route, and sends nothing
		if err != nil {
			continue
		}
		from := c.LocalAddr().(*net.UDPAddr).AddrPort()
		c.Close()
		return from.Addr().Unmap().String(), int(best.Port()), nil
	}
	return best.Addr().String(), int(best.Port()), nil
}

// resolve returns the addresses of a host:port, each with the port; at least one without an error.
func resolve(ctx context.Context, hostPort string) ([]string, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	list := make([]string, len(ips))
	for i, ip := range ips {
		list[i] = netip.AddrPortFrom(ip.Unmap(), uint16(number)).String()
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no address", host)
	}
	return list, nil
}
