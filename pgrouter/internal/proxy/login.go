package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
	"github.com/pgcrew/pgcrew/pgrouter/internal/loop"
	"golang.org/x/sys/unix"
)

// A login is a server connection that is logged in and on its way to a loop.
type login struct {
	id     *identity
	node   int
	place  cluster.Place
	epoch  uint64
	born   time.Time
	target cancel
	fd     int
	secure secureConn
	rest   []byte
}

func (l *login) close() { unix.Close(l.fd) }

// login opens a server connection on a node.
func (r *Router) login(ctx context.Context, id *identity, cred auth.Credential, node int, epoch uint64) (*login, error) {
	s, w, err := r.connect(ctx, node, auth.Request{
		User: id.user, Database: id.database, Params: id.params, Version: id.version, Credential: cred,
	})
	if err != nil {
		return nil, err
	}
	return r.prepare(id, s, cred, judged{node, epoch, w})
}

// prepare takes a logged-in connection out of the runtime's hands.
func (r *Router) prepare(id *identity, s *auth.Server, cred auth.Credential, at judged) (*login, error) {
	id.learn(s, cred)
	nc := s.Conn
	if s.TLS != nil {
		nc = s.Conn.(secureConn).NetConn().(*loop.Shim).Conn
	}
	fd, secure, err := descriptor(nc, s.Conn)
	if err != nil {
		return nil, err
	}
	l := &login{id: id, node: at.node, place: at.place, epoch: at.epoch, born: time.Now(), fd: fd, secure: secure, rest: s.Rest}
	l.target = cancel{network: at.network, address: at.address, pid: s.PID, secret: s.Secret}
	return l, nil
}

// connect dials a node and logs in. A server that has no place left is asked a few times more, after idle
// connections to it were given up. Where the Unix socket does not let the user in, TCP is tried: its lines
// in pg_hba.conf may be others.
func (r *Router) connect(ctx context.Context, node int, req auth.Request) (s *auth.Server, w way, err error) {
	asked := ctx
	ctx, stop := r.whileUp(ctx, node)
	defer stop()
	defer func() {
		if err != nil && ctx.Err() != nil && asked.Err() == nil {
			err = errNodeDown
		}
	}()
	for try := 0; ; try++ {
		n := r.cluster.Map().Node(node)
		if n == nil {
			return nil, way{}, fmt.Errorf("there is no node %d", node)
		}
		w = way{n.Place(), n.Network, n.Address}
		s, err = r.dial(ctx, n, w, req)
		var refused *auth.ServerError
		var method *auth.MethodError
		full := errors.As(err, &refused) && refused.Response.Code == "53300"
		denied := refused != nil && (refused.Response.Code == "28000" || refused.Response.Code == "28P01") || errors.As(err, &method)
		if denied && w.network == "unix" && n.TCP() != "" {
			w.network, w.address = "tcp", n.TCP()
			s, err = r.dial(ctx, n, w, req)
		}
		if !full || try == 5 {
			return s, w, err
		}
		for _, sh := range r.shards {
			sh.loop.Post(func() {
				if it, ok := sh.pool.Oldest(node); ok {
					sh.discard(it.Conn)
				}
			})
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, way{}, err
		}
	}
}

// A way is where a server connection leads, and how.
type way struct {
	place            cluster.Place
	network, address string // what was dialed
}

func (r *Router) dial(ctx context.Context, n *cluster.Node, w way, req auth.Request) (*auth.Server, error) {
	set := r.settings.Load()
	limit := set.ConnectTimeout(n.ID)
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	var d net.Dialer
	nc, err := d.DialContext(ctx, w.network, w.address)
	if err != nil {
		r.cluster.Report(n.ID, err)
		return nil, err
	}
	if w.network == "tcp" && set.ServerTLS != nil {
		req.TLS, req.Plain = set.ServerTLS, true
		req.WrapTLS = func(c net.Conn) net.Conn { return loop.NewShim(c) }
	}
	s, err := auth.Login(ctx, nc, req)
	if err != nil {
		nc.Close()
	}
	var refused *auth.ServerError
	if err != nil && (!errors.As(err, &refused) || strings.HasPrefix(refused.Response.Code, "57")) {
		r.cluster.Report(n.ID, err)
	}
	return s, err
}

// loginAnywhere logs in to the primary, or, when it cannot be reached, to any node that is up.
func (r *Router) loginAnywhere(ctx context.Context, id *identity, cred auth.Credential) (l *login, err error) {
	err = r.reach(ctx, anywhere, func(m *cluster.Map, node int) error {
		l, err = r.login(ctx, id, cred, node, m.Epoch)
		return err
	})
	return l, err
}

// A judged says where the connection is that judge has opened. Between judge and the session the map may change.
type judged struct {
	node  int
	epoch uint64
	way
}

// judgedKey is the key of a *judged in the context of a client's login, for judge to fill in.
type judgedKey struct{}

// judge is the Door's Dial: the backend's own method decides about the client. When the primary cannot be reached,
// another node decides; not about replication, which is the primary's.
func (r *Router) judge(ctx context.Context, in *auth.Client) (s *auth.Server, err error) {
	pick := anywhere
	if replicates(in) {
		pick = primary
	}
	err = r.reach(ctx, pick, func(m *cluster.Map, node int) error {
		at := judged{node: node, epoch: m.Epoch}
		s, at.way, err = r.connect(ctx, node, request(in))
		*ctx.Value(judgedKey{}).(*judged) = at
		return err
	})
	return s, err
}
