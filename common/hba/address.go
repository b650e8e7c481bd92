package hba

import (
	"net/netip"
	"strings"
)

// AddressKind tells the forms of the address column apart.
type AddressKind uint8

const (
	None     AddressKind = iota // Local lines
	Any                         // all
	SameHost                    // an address of this machine
	SameNet                     // an address in a network of this machine
	Network                     // CIDR, or address and netmask
	HostName                    // the client's name, looked up both ways
	Suffix                      // .example.com: the end of the client's name
)

// Address is the address column.
type Address struct {
	Kind AddressKind
	IP   netip.Addr // Network: the address with the bits outside Mask cleared
	Mask netip.Addr // Network: the netmask; it may have holes
	Name string     // HostName and Suffix
}

// address reads the address column and, behind an address without mask length, the netmask column.
// It returns the columns that are left.
func (p *parser) address(r *Rule, columns [][]Name) [][]Name {
	column, rest := columns[0], columns[1:]
	if len(column) != 1 {
		p.fail("one address is needed, not a list: %s", join(column))
		return rest
	}
	word := column[0]
	for name, kind := range map[string]AddressKind{"all": Any, "samehost": SameHost, "samenet": SameNet} {
		if word.keyword(name) {
			r.Address.Kind = kind
			return rest
		}
	}
	if strings.Contains(word.Text, "/") {
		prefix, err := netip.ParsePrefix(word.Text)
		if err != nil {
			p.fail("%q is no address with mask length, such as 192.0.2.0/24", word.Text)
			return rest
		}
		r.Address = network(prefix.Addr(), maskOf(prefix))
		return rest
	}
	ip, err := netip.ParseAddr(word.Text)
	if err != nil {
		p.hostName(r, word.Text)
		return rest
	}
	if len(rest) == 0 {
		p.fail("address %s needs a mask length (%s/%d) or a netmask in the next column", ip, ip, ip.BitLen())
		return rest
	}
	mask, err := netip.ParseAddr(join(rest[0]))
	if err != nil || mask.BitLen() != ip.BitLen() || ip.Zone() != "" || mask.Zone() != "" {
		p.fail("%q is no netmask for address %s: write %s/%d, or a netmask", join(rest[0]), ip, ip, ip.BitLen())
		// What stands there may be the method; going on with it finds more problems.
		if err != nil {
			return rest
		}
		return rest[1:]
	}
	r.Address = network(ip, mask)
	return rest[1:]
}

func (p *parser) hostName(r *Rule, name string) {
	for _, c := range strings.ToLower(name) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c > 127) {
			p.fail("%q is neither an address nor a host name", name)
			return
		}
	}
	if strings.Trim(name, "0123456789.") == "" {
		p.fail("%q is no valid address", name)
		return
	}
	kind := HostName
	if strings.HasPrefix(name, ".") {
		kind = Suffix
	}
	r.Address = Address{Kind: kind, Name: name}
}

// network clears the bits of ip that mask does not select. An IPv4 address written as IPv6 is taken
// as IPv4 when its mask covers the prefix, because clients' addresses are compared in that form.
func network(ip, mask netip.Addr) Address {
	if ip.Is4In6() {
		m := mask.As16()
		if all(m[:12]) {
			ip, mask = ip.Unmap(), netip.AddrFrom4([4]byte(m[12:]))
		}
	}
	return Address{Kind: Network, IP: and(ip, mask), Mask: mask}
}

func maskOf(p netip.Prefix) netip.Addr {
	ones := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		ones[i/8] |= 0x80 >> (i % 8)
	}
	mask, _ := netip.AddrFromSlice(ones)
	return mask
}

func and(a, b netip.Addr) netip.Addr {
	x, y := a.AsSlice(), b.AsSlice()
	for i := range x {
		x[i] &= y[i]
	}
	result, _ := netip.AddrFromSlice(x)
	return result
}

func all(b []byte) bool {
	for _, c := range b {
		if c != 0xff {
			return false
		}
	}
	return true
}
