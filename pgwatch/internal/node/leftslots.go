package node

import (
	"context"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// Each node remembers for a while the servers that were taken out of the configuration, so that a new leader goes on with their
// slots. After that a slot of such a name may be somebody else's.
const (
	leftRetry = 20 * time.Second
	leftLimit = 5 * time.Minute
)

// A left is a server that was taken out of the configuration. Another one may have its number now.
type left struct {
	host        string
	port        int
	until, next time.Duration
	failed      bool // this node has tried, and could not
}

func leftBy(b *clustermap.Backend) left { return left{host: b.Host, port: b.Port} }

func (l left) addr() string { return net.JoinHostPort(l.host, strconv.Itoa(l.port)) }

// leftServers are those that have left since this node watches.
type leftServers struct {
	known []clustermap.Backend
	gone  []left
}

// see takes the servers of a Map. One without a primary is not complete yet.
func (l *leftServers) see(m *clustermap.Map, now time.Duration) {
	if m.Primary == nil {
		return
	}
	in := func(g left) bool {
		return slices.ContainsFunc(m.Backends, func(b clustermap.Backend) bool { return b.Host == g.host && b.Port == g.port })
	}
	for i := range l.known {
		if g := leftBy(&l.known[i]); !in(g) {
			g.until = now + leftLimit
			l.gone = append(l.gone, g)
		}
	}
	l.gone = slices.DeleteFunc(l.gone, in)
	l.known = slices.Clone(m.Backends)
}

// late are those that are forgotten now.
func (l *leftServers) late(now time.Duration) (list []left) {
	l.gone = slices.DeleteFunc(l.gone, func(g left) bool {
		if now >= g.until {
			list = append(list, g)
		}
		return now >= g.until
	})
	return list
}

// due is one whose slot is to be dropped now.
func (l *leftServers) due(now time.Duration) (left, bool) {
	if i := slices.IndexFunc(l.gone, func(g left) bool { return now >= g.next }); i >= 0 {
		return l.gone[i], true
	}
	return left{}, false
}

// tried takes how it went: one whose slot is gone is forgotten, another one is due later.
func (l *leftServers) tried(g left, now time.Duration, err error) {
	i := slices.Index(l.gone, g)
	if err == nil {
		l.gone = slices.Delete(l.gone, i, i+1)
		return
	}
	l.gone[i].next, l.gone[i].failed = now+leftRetry, true
}

// dropsSlots tells whether this node drops them: the leader, or when that is a witness the node beside the primary.
func (n *Node) dropsSlots(v *authority.View) bool {
	p := v.Map.PrimaryID()
	if p == clustermap.None || v.Map.Failover != nil {
		return false
	}
	if m := v.Map.Member(v.Leader); m != nil && m.Witness {
		return n.latest.Load().Local[p]
	}
	return v.Leading
}

// dropLeftSlots has pgrecover drop the slots of servers that leave, until ctx ends.
func (n *Node) dropLeftSlots(ctx context.Context) {
	if n.Self.Witness {
		return
	}
	views, stop := n.crew.Watch()
	defer stop()
	every := time.NewTicker(time.Second)
	defer every.Stop()
	var servers leftServers
	var v authority.View
	for {
		select {
		case <-ctx.Done():
			return
		case v = <-views:
			servers.see(&v.Map, n.clock())
		case <-every.C:
		}
		for _, g := range servers.late(n.clock()) {
			if g.failed {
				n.log.Warn("the slot of a server that was taken out of the configuration could not be dropped; while it is there the primary keeps WAL for it",
					"server", g.addr(), "mend", "pgrecover drop-slot --host "+g.host+" --port "+strconv.Itoa(g.port))
			}
		}
		g, ok := servers.due(n.clock())
		if !ok || !n.dropsSlots(&v) {
			continue
		}
		err := n.programs.DropSlot(ctx, g.host, g.port, v.Map.PrimaryID())
		if err != nil && !g.failed {
			n.log.Warn("the slot of a server that was taken out of the configuration is not dropped yet", "server", g.addr(), "err", err)
		}
		servers.tried(g, n.clock(), err)
	}
}
