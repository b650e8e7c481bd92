package cluster

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/pgcrew/pgcrew/common/probe"
	"github.com/pgcrew/pgcrew/common/sockets"
)

// SocketDirs is where servers of this host put their Unix sockets: Debian's place and PostgreSQL's default.
var SocketDirs = []string{"/var/run/postgresql", "/tmp"}

// socketFiles returns the Unix sockets by which the server at host:port might be reached: those of its port in dirs, if
// every address of host is one of this machine.
func socketFiles(ctx context.Context, host string, port int, dirs []string) []string {
	var found []string
	for _, dir := range dirs {
		path := sockets.File(dir, port)
		if info, err := os.Stat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
			found = append(found, path)
		}
	}
	if len(found) == 0 || !probe.IsLocal(ctx, host) {
		return nil
	}
	return found
}

// nearer looks for a Unix socket of the server behind a TCP connection. It must be the same server, and ask for the
// same kind of authentication: a socket that trusts whoever comes would let in what TCP would not, and one with peer
// authentication would refuse every user but our own.
//
// It returns the path, or "" and why none will do; without a socket there is no reason.
func nearer(ctx context.Context, l probe.Login, over *probe.Conn, id probe.Identity, host string, port int, dirs []string) (path string, why error) {
	for _, path := range socketFiles(ctx, host, port, dirs) {
		c, err := l.Connect(ctx, "unix", path)
		if err != nil {
			why = err
			continue
		}
		other, err := c.Identify(ctx)
		c.Close()
		switch {
		case err != nil:
			why = err
		case other != id:
			why = fmt.Errorf("%s is another server's", path)
		case c.Method != over.Method:
			why = fmt.Errorf("%s asks for other authentication (%s) than TCP (%s)", path, method(c.Method), method(over.Method))
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
