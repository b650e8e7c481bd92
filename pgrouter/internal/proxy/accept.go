package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/conversation"
	"github.com/pgcrew/pgcrew/pgrouter/internal/loop"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

type secureConn = *tls.Conn

// spareLogins is how many connections may be logging in beyond the number of clients that are allowed, so that
// cancel requests come through when all places are taken.
const spareLogins = 256

// accept lets clients in until the listener is closed.
func (r *Router) accept(l net.Listener) {
	pause := time.Duration(0)
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of descriptors, say: it may pass, and spinning would not help.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			r.log.Error("cannot accept a client", "listener", l.Addr().String(), "err", err)
			select {
			case <-time.After(pause):
			case <-r.ctx.Done():
				return
			}
			continue
		}
		pause = 0
		if r.entering.Add(1) > int64(r.settings.Load().MaxClients+spareLogins) {
			r.entering.Add(-1)
			nc.Close()
			continue
		}
		select {
		case r.entrants <- nc:
		default:
			r.wg.Go(func() { r.receiveAll(nc) })
		}
	}
}

// idleReceivers is how many goroutines wait for the next client instead of ending. A new one's stack grows several
// times during a login, which was a sixteenth of what a login cost.
const idleReceivers = 16

// receiveAll lets a client in, and others after it as long as they come.
func (r *Router) receiveAll(nc net.Conn) {
	for {
		r.receive(nc)
		r.entering.Add(-1)
		if r.receivers.Add(1) > idleReceivers {
			r.receivers.Add(-1)
			return
		}
		select {
		case nc = <-r.entrants:
			r.receivers.Add(-1)
		case <-r.closing.Done():
			return
		}
	}
}

// receive is the login of one client.
func (r *Router) receive(nc net.Conn) {
	set := r.settings.Load()
	addr := remote(nc)
	ctx := r.ctx
	if set.LoginTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, set.LoginTimeout)
		defer cancel()
	}
	at := new(judged)
	ctx = context.WithValue(ctx, judgedKey{}, at)
	quick, err := loop.NewQuick(nc)
	if err != nil {
		r.log.Error("cannot serve a client", "client", addr, "err", err)
		nc.Close()
		return
	}
	in, err := set.door.Accept(ctx, quick)
	switch {
	case errors.Is(err, auth.ErrSilent):
		return
	case err != nil:
		r.log.Info("client not let in", "client", addr, "err", err)
		return
	case in.Cancel != nil:
		r.cancels.request(in.Cancel)
		nc.Close()
		return
	}
	if in.TLS == nil {
		in.Conn = nc
	}
	if n := r.sessions.Add(1); n > int64(set.MaxClients-set.Reserved) {
		r.sessions.Add(-1)
		r.refuse(in, nc, wire.AppendError(nil, tooMany(set)))
		return
	}
	if set.LogComing {
		r.log.Info("client connected", "client", addr, "user", in.User, "database", in.Database)
	}
	if replicates(in) {
		began := time.Now()
		r.relay(ctx, in, at, nc, addr)
		r.sessions.Add(-1)
		r.left(addr, in.User, in.Database, began)
		return
	}
	if err := r.enter(ctx, in, at, nc, addr); err != nil {
		r.sessions.Add(-1)
		r.log.Info("session not begun", "client", addr, "user", in.User, "database", in.Database, "err", err)
	}
}

// isOff tells whether the startup parameter replication says that this is an ordinary session. PostgreSQL reads it as
// any boolean (parse_bool): beginnings of the words count as long as they are clear.
func isOff(value string) bool {
	v := strings.ToLower(value)
	if v == "" || v == "o" {
		return false
	}
	return v == "0" || strings.HasPrefix("false", v) || strings.HasPrefix("no", v) || strings.HasPrefix("off", v)
}

func tooMany(set *Settings) *wire.Error {
	e := &wire.Error{Severity: "FATAL", Code: "53300", Message: "sorry, too many clients already",
		Detail: fmt.Sprintf("num_init_children is %d.", set.MaxClients), Hint: "Raise num_init_children in pgrouter's configuration."}
	if set.Reserved > 0 {
		e.Detail = fmt.Sprintf("num_init_children is %d, of which reserved_connections keeps %d free.", set.MaxClients, set.Reserved)
	}
	return e
}

// refuse tells a client that is in, by an ErrorResponse, why it cannot stay.
func (r *Router) refuse(in *auth.Client, nc net.Conn, why []byte) {
	if in.Server != nil {
		in.Server.Conn.Close()
	}
	in.Conn.SetWriteDeadline(time.Now().Add(time.Second))
	in.Conn.Write(why)
	in.Conn.Close()
	nc.Close()
}

// enter makes a session of a client. When no server has said yet what clients of this kind are told at login, it
// logs in to one; that also shows whether the database is there and open to this user.
func (r *Router) enter(ctx context.Context, in *auth.Client, at *judged, nc net.Conn, addr netip.AddrPort) error {
	id := r.ids.of(in)
	var first *login
	welcome, reports := id.greeting()
	if in.Server != nil {
		l, err := r.prepare(id, in.Server, in.Credential, *at)
		if err != nil {
			r.ids.drop(id)
			in.Conn.Close()
			return err
		}
		first = l
		welcome, reports = id.greeting()
	}
	if welcome == nil {
		l, err := r.loginAnywhere(ctx, id, in.Credential)
		if err != nil {
			r.refuse(in, nc, auth.ErrorResponse(err))
			r.ids.drop(id)
			return err
		}
		first = l
		welcome, reports = id.greeting()
	}
	id.catalog.ready(ctx, 2*time.Second)
	fd, secure, err := descriptor(nc, in.Conn)
	if err != nil {
		nc.Close()
		if first != nil {
			first.close()
		}
		r.ids.drop(id)
		return err
	}
	sh := r.shard()
	c := &client{sh: sh, id: id, addr: addr, readNode: -1, start: time.Now().Unix()}
	c.conv = conversation.New(c)
	c.conv.Obey(r.settings.Load().Policy)
	for _, p := range reports {
		c.conv.Report(p[0], p[1])
	}
	c.pid, c.secret = r.cancels.add(c, in.Version)
	out := wire.AppendAuthenticationOK(nil)
	out = append(out, welcome...)
	out = wire.AppendBackendKeyData(out, c.pid, c.secret)
	out = wire.AppendReady(out, wire.Idle)
	posted := sh.loop.Post(func() {
		var srv *server
		if first != nil {
			if srv, err = sh.adopt(first); err != nil {
				r.log.Error("cannot serve a server connection", "err", err)
				srv = nil
			}
		}
		sh.enter(c, fd, secure, out, srv)
	})
	if !posted {
		r.cancels.remove(c.pid)
		r.ids.drop(id)
		return errors.New("the loop has ended")
	}
	return nil
}

// remote is the client's address; the zero value for a Unix socket.
func remote(nc net.Conn) netip.AddrPort {
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort()
	}
	return netip.AddrPort{}
}
