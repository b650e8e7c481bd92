package cluster

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// SocketDirs is where servers of this host put their Unix sockets: Debian's place and PostgreSQL's default.
var SocketDirs = []string{"/var/run/postgresql", "/tmp"}

// isFolder tells whether a backend_hostname is the folder of a Unix socket, as libpq does.
func isFolder(host string) bool { return strings.HasPrefix(host, "/") }

func socketPath(dir string, port int) string {
	return filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(port))
}

// sockets returns the Unix sockets by which the server at host:port might be reached: those of its port in dirs, if
// every address of host is one of this machine.
func sockets(ctx context.Context, host string, port int, dirs []string) []string {
	var found []string
	for _, dir := range dirs {
		path := socketPath(dir, port)
		if info, err := os.Stat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
			found = append(found, path)
		}
	}
	if len(found) == 0 || !isLocal(ctx, host) {
		return nil
	}
	return found
}

func isLocal(ctx context.Context, host string) bool {
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

// nearer looks for a Unix socket of the server behind a TCP connection. It must be the same server, and ask for the
// same kind of authentication: a socket that trusts whoever comes would let in what TCP would not, and one with peer
// authentication would refuse every user but our own.
//
// It returns the path, or "" and why none will do; without a socket there is no reason.
func (l login) nearer(ctx context.Context, over *conn, id identity, host string, port int, dirs []string) (path string, why error) {
	for _, path := range sockets(ctx, host, port, dirs) {
		c, err := l.connect(ctx, "unix", path)
		if err != nil {
			why = err
			continue
		}
		other, err := c.identify(ctx, l.limit)
		c.close()
		switch {
		case err != nil:
			why = err
		case other != id:
			why = fmt.Errorf("%s is another server's", path)
		case c.method != over.method:
			why = fmt.Errorf("%s asks for other authentication (%s) than TCP (%s)", path, method(c.method), method(over.method))
		default:
			return path, nil
		}
	}
	return "", why
}

// method names the codes of the Authentication messages.
func method(code uint32) string {
	switch code {
	case 0:
		return "none, or peer"
	case 3:
		return "password"
	case 5:
		return "md5"
	case 10:
		return "scram"
	default:
		return "code " + strconv.Itoa(int(code))
	}
}
