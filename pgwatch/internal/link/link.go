// Package link connects the nodes of a crew.
//
// Each pair of nodes has a connection in each direction, on which only the node that dialed sends. Connections are
// TLS 1.3, and both sides prove that they know wd_authkey. A message may be lost; the one who sent it repeats it.
package link

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// A Config says who a node is.
type Config struct {
	Self    clustermap.NodeID // 0 to 127
	Cluster string            // clustermap.Map's; "" while it is not known
	Key     string            // wd_authkey; when it is empty anybody can join
	Listen  string            // host:port, of wd_port; an empty host is every address
	Boot    string            // random, new with each start of the process
	Log     *slog.Logger      // what an operator has to mend, at most once a minute for each peer
	Jitter  func() float64    // in [0,1), for pauses between attempts to connect; safe for concurrent use
}

// A Link is this node's end of its connections.
type Link struct {
	cfg        Config // Cluster is guarded by mu
	handler    Handler
	tls        *tls.Config
	listener   net.Listener
	gate       gate
	complaints complaints
	wait       sync.WaitGroup // for all goroutines but Run's

	mu    sync.Mutex
	ctx   context.Context // of Run; nil before it and at its end
	peers map[clustermap.NodeID]*peer
}

// New listens, so that others can connect as soon as Run is called, which must follow. Errors are those of Listen:
// address in use, not one of this host's, no permission.
func New(cfg Config, h Handler) (*Link, error) {
	config, err := identity(cfg.Key)
	if err != nil {
		return nil, err
	}
	return listen(cfg, h, config)
}

func listen(cfg Config, h Handler, config *tls.Config) (*Link, error) {
	lc := net.ListenConfig{Control: setTimeout, KeepAliveConfig: keepAlive}
	listener, err := lc.Listen(context.Background(), "tcp", cfg.Listen)
	if err != nil {
		return nil, err
	}
	return &Link{
		cfg: cfg, handler: h, tls: config, listener: listener,
		complaints: complaints{log: cfg.Log},
		peers:      make(map[clustermap.NodeID]*peer),
	}, nil
}

// Addr is where New listens.
func (l *Link) Addr() net.Addr { return l.listener.Addr() }

// Run keeps the connections until ctx ends, and returns nil when nothing of the Link is left. It is called once.
func (l *Link) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { l.listener.Close() })()
	l.mu.Lock()
	l.ctx = ctx
	for _, p := range l.peers {
		l.keepLocked(p)
	}
	l.mu.Unlock()
	l.accept(ctx)
	l.mu.Lock()
	l.ctx = nil // from here on nothing is started
	l.mu.Unlock()
	l.wait.Wait()
	return nil
}

// Send hands a message over to be sent and never blocks. It is dropped when the peer is not set, when it cannot be
// reached soon, when its Kind or size is none, or when too much of its kind waits already: then the oldest goes. Messages of
// one kind keep their order.
func (l *Link) Send(to clustermap.NodeID, m Message) {
	l.mu.Lock()
	p := l.peers[to]
	set := p != nil && p.keep != nil
	l.mu.Unlock()
	if set && m.Kind >= Raft && m.Kind <= Answer && len(m.Body) <= MaxBody {
		p.queue.put(time.Now(), m)
	}
}

// SetCluster says which cluster this node belongs to, once that is known. Nodes of other clusters are then refused.
// Connections that began while one side did not know it begin again.
func (l *Link) SetCluster(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cfg.Cluster == name {
		return
	}
	l.cfg.Cluster = name
	for _, p := range l.peers {
		if p.in != nil && !p.in.settled(name) {
			p.in.raw.Close()
			p.in = nil
		}
		if p.out != nil && !p.out.settled(name) {
			p.out.end(net.ErrClosed)
		}
	}
}

// self is what this node says first.
func (l *Link) self() hello {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.selfLocked()
}

func (l *Link) selfLocked() hello {
	return hello{Version: protocolVersion, Cluster: l.cfg.Cluster, Node: l.cfg.Self, Boot: l.cfg.Boot}
}
