package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// ErrSilent is a connection that was closed before it sent a byte: a port probe. It deserves no log line.
var ErrSilent = errors.New("closed without a startup packet")

// farewell bounds how long a client that is turned away may take to read why.
const farewell = time.Second

// Accept reads the startup packet, sets TLS up when it is asked for, and lets the client prove who it
// is. It ends before AuthenticationOk, which the router sends, unless the answer is a cancel request.
// ctx bounds all of it.
//
// When Accept returns an error it has told the client, as far as that is possible, and closed nc. The
// error is for the log: a *Refusal, a *ServerError from Door.Dial, ErrSilent, or one of reading and writing.
func (d *Door) Accept(ctx context.Context, nc net.Conn) (*Client, error) {
	release := guard(ctx, nc)
	g := &guest{door: d, ctx: ctx, raw: nc, conn: nc}
	c, err := g.enter()
	release()
	if err != nil {
		err = because(ctx, err)
		g.dismiss(err)
		return nil, err
	}
	return c, nil
}

// guest is a client on its way in.
type guest struct {
	door *Door
	ctx  context.Context
	raw  net.Conn // as accepted
	conn net.Conn // raw, or TLS on it
	tls  *tls.ConnectionState

	mute   bool // an ErrorResponse would not be understood
	client *Client
}

// local says whether the client came through the Unix socket.
func (g *guest) local() bool { return g.raw.LocalAddr().Network() == "unix" }

// dismiss tells the client why it may not come in, and closes. It reads on for a moment, because
// closing a socket with unread bytes resets it, and a reset may overtake the message.
func (g *guest) dismiss(err error) {
	defer g.conn.Close()
	gone := errors.Is(err, ErrSilent) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
	if g.mute || gone {
		return
	}
	g.raw.SetDeadline(time.Now().Add(farewell))
	if _, err := g.conn.Write(ErrorResponse(err)); err != nil {
		return
	}
	if half, ok := g.conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		io.CopyN(io.Discard, g.raw, 64<<10)
	}
}
