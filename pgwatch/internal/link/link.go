// Package link connects the nodes of a crew.
//
// Each pair of nodes has a connection in each direction, on which only the node that dialed sends. Connections are
// TLS 1.3, and both sides prove that they know wd_authkey. A message may be lost; the one who sent it repeats it.
package link

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// A Config says who a node is.
type Config struct {
	Self    clustermap.NodeID // 0 to 127
	Cluster string            // clustermap.Map's; "" while it is not known
	Key     string            // wd_authkey; when it is empty anybody can join
	Listen  string            // host:port, of wd_port; an empty host is every address
	Boot    string            // random, new with each start of the process
	Log     *slog.Logger
	Jitter  func() float64 // in [0,1), for pauses between attempts to connect; safe for concurrent use
}

// A Link is this node's end of its connections.
type Link struct{}

// New listens. Errors are those of Listen: address in use, not one of this host's.
func New(cfg Config, h Handler) (*Link, error) { return nil, errors.New("not built yet") }

// Addr is where New listens.
func (l *Link) Addr() net.Addr { return nil }

// Run keeps the connections until ctx ends, and returns when nothing of the Link is left. It is called once.
func (l *Link) Run(ctx context.Context) error { return errors.New("not built yet") }

// Send hands a message over to be sent and never blocks. It is dropped when the peer is not set, when it cannot be
// reached soon, or when as much of its kind waits already: then the oldest goes. Messages of one kind keep their order.
func (l *Link) Send(to clustermap.NodeID, m Message) {}

// SetPeers says which nodes to connect to, and where (host:port). A peer that is no longer in it is let go without Gone;
// this node itself may be in it. It may be called before Run.
func (l *Link) SetPeers(peers map[clustermap.NodeID]string) {}

// SetCluster says which cluster this node belongs to, once that is known. Nodes of other clusters are then refused.
func (l *Link) SetCluster(name string) {}
