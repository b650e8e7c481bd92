// Package address knows the virtual addresses of a configuration, and puts them on network interfaces of this host.
package address

import (
	"fmt"
	"net/netip"
	"strings"
)

// An Address is one virtual address.
type Address struct {
	IP  netip.Addr
	Dev string // the network interface; "" until it is found
}

// String returns the address without its interface.
func (a Address) String() string { return a.IP.String() }

// Parse reads a list as delegate_ip has it: addresses with commas between them, each with %dev or without.
func Parse(list string) ([]Address, error) {
	var all []Address
	seen := map[netip.Addr]bool{}
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		a, err := parse(word)
		if err != nil {
			return nil, err
		}
		if seen[a.IP] {
			return nil, fmt.Errorf("%s is there twice", a)
		}
		seen[a.IP] = true
		all = append(all, a)
	}
	return all, nil
}

func parse(word string) (Address, error) {
	text, dev, zoned := strings.Cut(word, "%")
	if zoned && !validName(dev) {
		return Address{}, fmt.Errorf("%q: %q is no name of a network interface", word, dev)
	}
	if ip, bits, ok := strings.Cut(text, "/"); ok {
		return Address{}, fmt.Errorf("%q: write the address alone, %s without /%s", word, ip, bits)
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return Address{}, fmt.Errorf("%q is no IP address", text)
	}
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() {
		return Address{}, fmt.Errorf("%s is not an address that a host can have for others", ip)
	}
	return Address{ip, dev}, nil
}

// validName says whether the kernel would take a name for an interface (dev_valid_name in net/core/dev.c).
func validName(dev string) bool {
	return dev != "" && dev != "." && dev != ".." && len(dev) < 16 && !strings.ContainsAny(dev, "/: \t\n\v\f\r")
}
