package probe

import (
	"context"
	"net"
	"net/netip"
)

// IsLocal tells whether a backend_hostname is this host: the folder of a Unix socket, or a name or address of which
// every address is one of this machine's. A name that cannot be resolved is not.
func IsLocal(ctx context.Context, host string) bool {
	if IsFolder(host) {
		return true
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(addrs) == 0 {
		return false
	}
	own := map[netip.Addr]bool{}
	ifaces, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range ifaces {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own[p.Addr().Unmap()] = true
		}
	}
	for _, a := range addrs {
		if a = a.Unmap().WithZone(""); !a.IsLoopback() && !own[a] {
			return false
		}
	}
	return true
}
