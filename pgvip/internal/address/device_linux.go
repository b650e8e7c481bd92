package address

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// Device finds the interface for an address: the one that is named, else the one that has another address in the same
// network, else the one to which the routing table sends what is for the address without a gateway.
func Device(a Address) (string, error) {
	if a.Dev != "" {
		if _, err := netlink.LinkByName(a.Dev); err != nil {
			return "", fmt.Errorf("network interface %s: %w", a.Dev, err)
		}
		return a.Dev, nil
	}
	index, err := neighbourhood(a.IP)
	if err != nil {
		return "", err
	}
	if index == 0 {
		index = route(a.IP)
	}
	link, err := netlink.LinkByIndex(index)
	if err != nil || index == 0 {
		return "", fmt.Errorf("no network interface of this host is in the network of %s (name one: %s%%eth0, or --dev)", a.IP, a.IP)
	}
	return link.Attrs().Name, nil
}

// neighbourhood returns the index of the interface with the narrowest network around ip, or 0.
func neighbourhood(ip netip.Addr) (int, error) {
	all, err := netlink.AddrList(nil, family(ip))
	if err != nil {
		return 0, fmt.Errorf("list the addresses of this host: %w", err)
	}
	best, index := -1, 0
	for _, each := range all {
		bits, size := each.Mask.Size()
		if bits == size || !each.IPNet.Contains(ip.AsSlice()) || each.IP.Equal(ip.AsSlice()) || each.IP.IsLoopback() {
			continue
		}
		if bits > best {
			best, index = bits, each.LinkIndex
		}
	}
	return index, nil
}

// route returns the index of the interface that leads to ip directly, or 0.
func route(ip netip.Addr) int {
	routes, err := netlink.RouteGet(ip.AsSlice())
	if err != nil {
		return 0
	}
	for _, r := range routes {
		link, err := netlink.LinkByIndex(r.LinkIndex)
		if err == nil && r.Gw == nil && r.Via == nil && link.Attrs().Flags&net.FlagLoopback == 0 {
			return r.LinkIndex
		}
	}
	return 0
}

func family(ip netip.Addr) int {
	if ip.Is4() {
		return netlink.FAMILY_V4
	}
	return netlink.FAMILY_V6
}
