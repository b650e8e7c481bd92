package link

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// An inbound is a connection that another node dialed. Only that node sends on it.
type inbound struct {
	contact
	node clustermap.NodeID
	in   *bufio.Reader
}

// accept serves who calls until ctx ends.
func (l *Link) accept(ctx context.Context) {
	for {
		c, err := l.listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return
		}
		if err != nil {
			// Out of descriptors or memory: connections that end give some back.
			l.complaints.say(time.Now(), slog.LevelError, complain("", "no connection can be taken", err), "err", err)
			sleep(ctx, 100*time.Millisecond)
			continue
		}
		if !l.gate.enter(hostOf(c)) {
			c.Close()
			continue
		}
		l.wait.Go(func() { l.serve(ctx, c) })
	}
}

// serve handles one connection from its first byte to its end.
func (l *Link) serve(ctx context.Context, raw net.Conn) {
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	i, err := l.welcome(ctx, raw)
	l.gate.leave(hostOf(raw))
	if err != nil {
		l.complainOfCaller(ctx, raw, err)
		return
	}
	p := l.peer(i.node)
	err = l.receive(p, i)
	if !l.leave(p, i) {
		return // this node closed it
	}
	if closedByPeer(err) {
		raise(p.lost)
	}
	if _, ok := errors.AsType[protocolError](err); ok {
		about := complain(hostOf(raw).String(), "a connection is ended", err)
		l.complaints.say(time.Now(), slog.LevelError, about, "node", i.node, "addr", raw.RemoteAddr(), "err", err)
	}
}

// welcome is the listener's part of the handshake.
func (l *Link) welcome(ctx context.Context, raw net.Conn) (*inbound, error) {
	if err := raw.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return nil, err
	}
	conn := tls.Server(raw, l.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	other, err := readHello(in)
	if err != nil {
		return nil, err
	}
	i := &inbound{contact{raw: raw, boot: other.Boot, known: other.Cluster != ""}, other.Node, in}
	answer := l.enter(i, other)
	err = errors.Join(writeHello(conn, answer), raw.SetDeadline(time.Time{}))
	switch {
	case answer.Refused != "":
		return nil, refusal(answer.Refused)
	case err != nil:
		l.leave(l.peer(i.node), i)
		return nil, err
	}
	return i, nil
}

// receive hands messages on until the connection ends.
func (l *Link) receive(p *peer, i *inbound) error {
	for {
		m, err := readFrame(i.in, MaxBody)
		if err != nil {
			return err
		}
		if m.Kind == greeting {
			return protocolError("it sent a second hello")
		}
		p.calls.Lock()
		if l.current(p, i) {
			l.handler.Receive(p.id, m)
		}
		p.calls.Unlock()
	}
}

// complainOfCaller says why a connection did not come about. Those that said nothing are not worth a word.
func (l *Link) complainOfCaller(ctx context.Context, raw net.Conn, err error) {
	remote, ok := errors.AsType[*net.OpError](err)
	alert := ok && remote.Op == "remote error" // so crypto/tls calls what the other side did not like
	_, refused := errors.AsType[refusal](err)
	level, what := slog.LevelWarn, "a connection is refused: it is none of another pgwatch"
	switch {
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), closedByPeer(err):
		return
	case refused:
		level, what = slog.LevelError, "a connection is refused"
	case alert, errors.Is(err, errKey):
		level, what = slog.LevelError, "a connection is refused: wd_authkey there is not the one of this node"
	}
	about := complain(hostOf(raw).String(), what, err)
	l.complaints.say(time.Now(), level, about, "addr", raw.RemoteAddr(), "err", err)
}
