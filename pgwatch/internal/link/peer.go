package link

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// A peer is another node, as long as the Link lives.
type peer struct {
	id    clustermap.NodeID
	queue *queue
	calls sync.Mutex    // held for each call of the Handler
	lost  chan struct{} // a flag: its side has closed a connection that it had dialed
	here  chan struct{} // a flag: it has called, so it can be called

	// Guarded by Link.mu.
	addr string
	in   *inbound // the newest; none when it has ended
	out  *outbound
	keep *keeper // of the connection to addr; nil while the Link does not run or the peer is not set
}

// peer returns the one with that number. It is made when it is not there yet; numbers are bounded by the hello.
func (l *Link) peer(id clustermap.NodeID) *peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peerLocked(id)
}

func (l *Link) peerLocked(id clustermap.NodeID) *peer {
	p := l.peers[id]
	if p == nil {
		p = &peer{id: id, queue: newQueue(), lost: make(chan struct{}, 1), here: make(chan struct{}, 1)}
		l.peers[id] = p
	}
	return p
}

// enter makes i the connection from the node that said hello, in place of an older one, unless the answer, which it
// returns, says why not.
func (l *Link) enter(i *inbound, other hello) hello {
	l.mu.Lock()
	defer l.mu.Unlock()
	self := l.selfLocked()
	if self.Refused = self.accepts(other); self.Refused != "" {
		return self
	}
	p := l.peerLocked(i.node)
	switch {
	case p.out != nil && !p.out.ended() && p.out.boot != i.boot:
		self.Refused = taken(p.id, p.out.contact)
		return self
	case p.in != nil && p.in.boot != i.boot:
		self.Refused = taken(p.id, p.in.contact)
		return self
	case p.in != nil:
		p.in.raw.Close()
	}
	i.cluster = self.Cluster
	p.in = i
	raise(p.here)
	return self
}

// taken is the refusal of a second process with a number.
func taken(id clustermap.NodeID, by contact) string {
	return fmt.Sprintf("another process with the number %d is connected, at %v: give each host a pgpool_node_id of its own",
		id, by.raw.RemoteAddr())
}

// leave ends the connection, and reports whether it was still the one from its node.
func (l *Link) leave(p *peer, i *inbound) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.in != i {
		return false
	}
	p.in = nil
	return true
}

func (l *Link) current(p *peer, i *inbound) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return p.in == i
}

// attach makes o the connection to its node. A connection from another process with the same number ends: the
// configured address tells who is right.
func (l *Link) attach(p *peer, o *outbound) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.in != nil && p.in.boot != o.boot {
		p.in.raw.Close()
		p.in = nil
	}
	p.out = o
	if o.cluster != l.cfg.Cluster { // learned during the hellos
		o.end(net.ErrClosed)
	}
}

// detach says that there is no connection to the node.
func (l *Link) detach(p *peer, o *outbound) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.out == o {
		p.out = nil
	}
}

// call is Up or Gone of the Handler.
func (p *peer) call(f func(clustermap.NodeID)) {
	p.calls.Lock()
	defer p.calls.Unlock()
	f(p.id)
}

// SetPeers says which nodes to connect to, and where (host:port). A peer that is no longer in it is let go without Gone;
// this node itself may be in it. It may be called before Run.
func (l *Link) SetPeers(peers map[clustermap.NodeID]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range peers {
		if id != l.cfg.Self {
			l.peerLocked(id)
		}
	}
	for id, p := range l.peers {
		if p.addr != peers[id] {
			p.addr = peers[id]
			l.keepLocked(p)
		}
	}
}

// keepLocked lets the connection to the old address go, and keeps one to the present address while the Link runs.
func (l *Link) keepLocked(p *peer) {
	old := p.keep
	if old != nil {
		old.stop()
	}
	p.keep = nil
	if p.addr == "" || l.ctx == nil {
		return
	}
	ctx, stop := context.WithCancel(l.ctx)
	k := &keeper{link: l, peer: p, addr: p.addr, stop: stop, done: make(chan struct{})}
	p.keep = k
	l.wait.Go(func() {
		if old != nil {
			<-old.done
		}
		k.run(ctx)
	})
}
