package link

import (
	"net"
	"net/netip"
	"sync"
)

// Connections that have not proved that they know the key, at a time.
const (
	maxStrangers        = 64
	maxStrangersOfOneIP = 16
)

// A gate counts strangers, so that whoever does not know the key cannot use up memory or keep the nodes of other hosts
// out.
type gate struct {
	mu    sync.Mutex
	all   int
	hosts map[netip.Addr]int
}

// enter lets a stranger in, or not. Each one that is let in must leave.
func (g *gate) enter(from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= maxStrangers || g.hosts[from] >= maxStrangersOfOneIP {
		return false
	}
	if g.hosts == nil {
		g.hosts = make(map[netip.Addr]int)
	}
	g.all++
	g.hosts[from]++
	return true
}

func (g *gate) leave(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.hosts[from]--; g.hosts[from] == 0 {
		delete(g.hosts, from)
	}
}

// hostOf returns the address of the other side without its port.
func hostOf(c net.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}
