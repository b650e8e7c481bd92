package proxy

import (
	"net"

	"golang.org/x/sys/unix"
)

// local tells whether both ends of a connection are on this host.
func local(near, far net.Addr) bool {
	a, ok := near.(*net.TCPAddr)
	b, ok2 := far.(*net.TCPAddr)
	return ok && ok2 && (b.IP.IsLoopback() || b.IP.Equal(a.IP))
}

// unpaced takes the congestion control of the system off a TCP connection that does not leave this host. BBR, if it is
// that, spaces out what is sent, for which it set timers and did sums: 3 to 7 % of a query's CPU. Reno does neither, is in
// every kernel, and is allowed to everybody; where it is not after all, the connection works as it is.
func unpaced(fd int) { unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno") }
