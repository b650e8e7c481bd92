package link

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// handshakeTimeout bounds everything until the answer to a hello, on both sides.
const handshakeTimeout = 2 * time.Second

// A refusal is why another node, or this one, does not want a connection: in words for an operator, who has to mend it.
type refusal string

func (r refusal) Error() string { return string(r) }

// dial connects to a node and exchanges hellos. The answer is proof that its process works.
func (l *Link) dial(ctx context.Context, to clustermap.NodeID, addr string) (*outbound, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	d := net.Dialer{Control: setTimeout, KeepAliveConfig: keepAlive}
	raw, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	o, err := l.greet(ctx, to, raw)
	if err != nil {
		raw.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %v: %w", handshakeTimeout, ctx.Err())
		}
		return nil, err
	}
	return o, nil
}

// greet is the dialer's part of the handshake.
func (l *Link) greet(ctx context.Context, to clustermap.NodeID, raw net.Conn) (*outbound, error) {
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	conn := tls.Client(raw, l.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	self := l.self()
	if err := writeHello(conn, self); err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	other, err := readHello(in)
	if err != nil {
		return nil, err
	}
	switch why := self.accepts(other); {
	case other.Refused != "":
		return nil, refusal(other.Refused)
	case why != "":
		return nil, refusal(why)
	case other.Node != to:
		return nil, refusal(fmt.Sprintf("this is the address of node %d, but node %d answers: correct hostname%d or the "+
			"pgpool_node_id of that host", to, other.Node, to))
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return &outbound{
		contact: contact{raw: raw, boot: other.Boot, cluster: self.Cluster, known: other.Cluster != ""},
		conn:    conn, in: in, began: time.Now(), done: make(chan struct{}),
	}, nil
}
