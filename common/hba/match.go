package hba

import (
	"context"
	"net"
	"net/netip"
	"strings"
)

// Resolver looks names up. *net.Resolver is one.
type Resolver interface {
	LookupAddr(ctx context.Context, addr string) (names []string, err error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Matcher finds the rule for a connection. Its functions are the outside world of the rules
// that need it: host names, samehost and samenet.
type Matcher struct {
	Resolver   Resolver
	Interfaces func() ([]net.Addr, error)
}

// System asks the resolver and the interfaces of this machine.
var System = Matcher{Resolver: net.DefaultResolver, Interfaces: net.InterfaceAddrs}

// Match returns the first rule that fits. No rule means: reject.
// It may ask the name service when the file has host names; ctx bounds that.
func (f *File) Match(ctx context.Context, c Conn) (*Rule, bool) { return System.Match(ctx, f, c) }

// Match is File.Match with another outside world.
func (m Matcher) Match(ctx context.Context, f *File, c Conn) (*Rule, bool) {
	q := query{Matcher: m, ctx: ctx, conn: c}
	q.conn.Addr = c.Addr.Unmap().WithZone("")
	for i := range f.Rules {
		if r := &f.Rules[i]; q.fits(r) {
			return r, true
		}
	}
	return nil, false
}

// query remembers the client's names, so that one connection asks the name service once.
type query struct {
	Matcher
	ctx    context.Context
	conn   Conn
	names  []string
	looked bool
}

func (q *query) fits(r *Rule) bool {
	switch r.Type {
	case Local:
		if !q.conn.Local {
			return false
		}
	case HostSSL:
		if q.conn.Local || !q.conn.TLS {
			return false
		}
	case HostNoSSL:
		if q.conn.Local || q.conn.TLS {
			return false
		}
	case Host:
		if q.conn.Local {
			return false
		}
	}
	return q.database(r.Databases) && q.user(r.Users) && (r.Type == Local || q.address(r.Address))
}

func (q *query) database(names []Name) bool {
	for _, n := range names {
		if n.keyword("all") || n.Text == q.conn.Database && !n.keyword("sameuser") ||
			n.keyword("sameuser") && q.conn.User == q.conn.Database {
			return true
		}
	}
	return false
}

func (q *query) user(names []Name) bool {
	for _, n := range names {
		if n.keyword("all") || n.Text == q.conn.User {
			return true
		}
	}
	return false
}

func (q *query) address(a Address) bool {
	ip := q.conn.Addr
	switch a.Kind {
	case Any:
		return true
	case Network:
		return ip.BitLen() == a.IP.BitLen() && and(ip, a.Mask) == a.IP
	case SameHost, SameNet:
		return q.here(a.Kind)
	case HostName, Suffix:
		return q.named(a)
	}
	return false
}

// here compares with the addresses of this machine's interfaces.
func (q *query) here(kind AddressKind) bool {
	addrs, err := q.Interfaces()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		own := prefix.Addr().Unmap().WithZone("")
		if own == q.conn.Addr {
			return true
		}
		if kind == SameNet && netip.PrefixFrom(own, prefix.Bits()).Contains(q.conn.Addr) {
			return true
		}
	}
	return false
}

// named looks the client's address up, compares the name, and looks that name up to see that it
// leads back to the address: who runs the reverse zone of an address does not decide who comes in.
func (q *query) named(a Address) bool {
	if !q.looked {
		q.looked = true
		q.names, _ = q.Resolver.LookupAddr(q.ctx, q.conn.Addr.String())
	}
	for _, name := range q.names {
		name = strings.TrimSuffix(name, ".")
		if a.Kind == HostName && !strings.EqualFold(name, a.Name) {
			continue
		}
		if a.Kind == Suffix && !(len(name) >= len(a.Name) && strings.EqualFold(name[len(name)-len(a.Name):], a.Name)) {
			continue
		}
		back, err := q.Resolver.LookupNetIP(q.ctx, "ip", name)
		if err != nil {
			continue
		}
		for _, ip := range back {
			if ip.Unmap().WithZone("") == q.conn.Addr {
				return true
			}
		}
	}
	return false
}
