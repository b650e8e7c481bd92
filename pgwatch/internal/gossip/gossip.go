// Package gossip spreads among the nodes of a crew who is alive and what each of them thinks of the servers, by memberlist
// (SWIM with Lifeguard). What it says are hints for people: it never elects, grants or promotes, and a node works without it.
package gossip

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// Config says where a node and the others are.
type Config struct {
	Self      clustermap.NodeID
	Listen    []string // addresses, or names of network interfaces (heartbeat_device); none: all
	Port      int      // to listen on, for datagrams and TCP
	Advertise string   // host:port at which the others reach this node
	Seeds     []string // host:port of the others; with several roads to one, each of them
	Key       string   // wd_authkey; with an empty one everybody who reaches Port can read and write
	Log       *slog.Logger
	Changed   func() // Peers has something new; it must not block
}

// A Peer is another node as gossip knows it.
type Peer struct {
	Alive   bool
	Since   time.Time
	Opinion Opinion // the newest; empty when it is dead

	addr string
}

// A Gossip takes part in the talk. Its methods may be called from any goroutine.
type Gossip struct {
	Config
	news chan struct{} // the own Opinion changed

	mu       sync.Mutex
	own      Opinion
	peers    map[clustermap.NodeID]Peer
	problems complaints
}

// New prepares to take part; Run does.
func New(c Config) *Gossip {
	return &Gossip{Config: c, news: make(chan struct{}, 1), peers: map[clustermap.NodeID]Peer{}}
}

// Tell spreads an Opinion. It does not block.
func (g *Gossip) Tell(o Opinion) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if same(g.own, o, memberlist.MetaMaxSize) {
		return
	}
	g.own = Opinion{o.Role, maps.Clone(o.Backends)}
	select {
	case g.news <- struct{}{}:
	default:
	}
}

// Peers are the other nodes that were ever heard, dead ones among them.
func (g *Gossip) Peers() map[clustermap.NodeID]Peer {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.peers)
}

// Problems are what an operator should mend: who was refused lately, and why this node does not take part.
func (g *Gossip) Problems() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.problems.lately()
}

// complain logs what is not known yet, and keeps it for Problems.
func (g *Gossip) complain(text string) {
	g.mu.Lock()
	isNew := g.problems.add(text)
	g.mu.Unlock()
	if isNew {
		g.Log.Warn(text)
	}
}

const (
	reopen    = 5 * time.Second  // before another try to take part
	rejoin    = time.Second      // between two tries to reach seeds that are not known to live
	spread    = time.Second      // that news may take to be sent
	leaveTime = time.Second      // that a farewell may take
	forget    = 10 * time.Second // a dead node may come back at another address after this
)

// Run takes part until ctx ends, and then leaves. What stands in its way is logged, and tried again.
func (g *Gossip) Run(ctx context.Context) {
	for ctx.Err() == nil {
		list, err := g.open(ctx)
		if err == nil {
			g.talk(ctx, list)
			return
		}
		g.complain("this node hears no heartbeats: " + err.Error())
		sleep(ctx, reopen)
	}
}

// talk keeps in touch with the others until ctx ends.
func (g *Gossip) talk(ctx context.Context, list *memberlist.Memberlist) {
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			g.join(ctx, list)
			sleep(ctx, rejoin)
		}
	})
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-g.news:
			if err := list.UpdateNode(spread); err != nil {
				g.Log.Debug("news are slow", "err", err)
			}
		}
	}
	wg.Wait()
	if err := list.Leave(leaveTime); err != nil {
		g.Log.Debug("the others may not know that this node leaves", "err", err)
	}
	if err := list.Shutdown(); err != nil {
		g.Log.Debug("gossip ends", "err", err)
	}
}

// join calls the seeds that are not among the living.
func (g *Gossip) join(ctx context.Context, list *memberlist.Memberlist) {
	known := map[string]bool{}
	for _, p := range g.Peers() {
		known[p.addr] = p.Alive
	}
	for _, seed := range g.Seeds {
		addrs, err := resolve(ctx, seed)
		if err != nil {
			g.Log.Debug("a heartbeat_hostname cannot be resolved", "name", seed, "err", err)
			continue
		}
		if ctx.Err() != nil || anyOf(known, addrs) {
			continue
		}
		if _, err := list.Join(addrs); err != nil {
			g.Log.Debug("a node is not reached", "addr", seed, "err", err)
		}
	}
}

func anyOf(known map[string]bool, addrs []string) bool {
	for _, a := range addrs {
		if known[a] {
			return true
		}
	}
	return false
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
