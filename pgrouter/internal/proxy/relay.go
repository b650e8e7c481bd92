package proxy

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"

	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A relayed session is one to one with its server connection: a replication client, whose stream neither can
// be pooled nor has statements to route.
type relayed struct {
	r      *Router
	secret []byte
	target cancel
}

func (s *relayed) key() []byte { return s.secret }

func (s *relayed) cancelled() {
	done := make(chan struct{})
	s.r.sendCancel(s.target, func(bool) { close(done) })
	<-done
}

// relay serves a replication client on the primary until either side ends. ctx bounds the login.
func (r *Router) relay(ctx context.Context, in *auth.Client, at *judged, nc net.Conn, addr netip.AddrPort) {
	defer nc.Close()
	defer in.Conn.Close()
	s, target, err := r.relayLogin(ctx, in, at)
	if err != nil {
		r.log.Info("replication not begun", "client", addr, "user", in.User, "err", err)
		in.Conn.Write(auth.ErrorResponse(err))
		return
	}
	defer s.Conn.Close()
	me := &relayed{r: r, target: target}
	var pid uint32
	pid, me.secret = r.cancels.add(me, in.Version)
	defer r.cancels.remove(pid)

	out := wire.AppendAuthenticationOK(nil)
	for _, p := range s.Params {
		out = wire.AppendParameterStatus(out, p[0], p[1])
	}
	out = wire.AppendBackendKeyData(out, pid, me.secret)
	out = append(wire.AppendReady(out, s.Status), s.Rest...)
	if _, err := in.Conn.Write(out); err != nil {
		return
	}
	// Either end ends both, and so does the end of the router.
	both := func() { in.Conn.Close(); nc.Close(); s.Conn.Close() }
	stop := context.AfterFunc(r.closing, both)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(s.Conn, in.Conn); both() })
	wg.Go(func() { io.Copy(in.Conn, s.Conn); both() })
	wg.Wait()
}

// relayLogin is a replication connection to the primary: the one that was opened to judge the client, if there is one.
func (r *Router) relayLogin(ctx context.Context, in *auth.Client, at *judged) (*auth.Server, cancel, error) {
	if s := in.Server; s != nil {
		return s, cancel{network: at.network, address: at.address, pid: s.PID, secret: s.Secret}, nil
	}
	var s *auth.Server
	var target cancel
	err := r.reach(ctx, primary, func(_ *cluster.Map, node int) error {
		server, w, err := r.connect(ctx, node, request(in))
		s, target.network, target.address = server, w.network, w.address
		return err
	})
	if err != nil {
		return nil, cancel{}, err
	}
	target.pid, target.secret = s.PID, s.Secret
	return s, target, nil
}

// replicates tells whether a client has asked for replication.
func replicates(in *auth.Client) bool { return in.Replication != "" && !isOff(in.Replication) }

// request is the login of a client at a server, of the same kind as its own.
func request(in *auth.Client) auth.Request {
	q := auth.Request{User: in.User, Database: in.Database, Params: in.Params, Credential: in.Credential}
	if !replicates(in) {
		return q
	}
	q.Params = append([][2]string{{"replication", in.Replication}}, in.Params...)
	if in.Replication != "database" {
		q.Database = "" // physical replication has none; libpq sends the word replication as its name
	}
	return q
}
