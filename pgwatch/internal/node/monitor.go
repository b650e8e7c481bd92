package node

import (
	"context"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/arbiter"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

const (
	monitorEvery = time.Second
	resignLimit  = 2 * time.Second
	resignPause  = 30 * time.Second // when all nodes have lost their interfaces, somebody has to lead
)

// monitor hands the leadership over while none of wd_monitoring_interfaces_list is up: the others are still heard, by
// another interface, and may have theirs.
func (n *Node) monitor(ctx context.Context, names []string) {
	every := time.NewTicker(monitorEvery)
	defer every.Stop()
	for resigned := -resignPause; ; {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if !n.leadsOthers() || n.clock()-resigned < resignPause || arbiter.Up(names) {
			continue
		}
		resigned = n.clock()
		n.log.Warn("no network interface of wd_monitoring_interfaces_list is up: this node hands its leadership over", "interfaces", names)
		n.handOver(ctx)
	}
}

// leadsOthers tells whether this node leads and could hand that over.
func (n *Node) leadsOthers() bool {
	v := n.crew.View()
	return v.Leading && len(v.Voters) > 1
}

// handOver lets another node lead if this one does.
func (n *Node) handOver(ctx context.Context) {
	if !n.leadsOthers() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, resignLimit)
	defer cancel()
	if err := n.crew.Resign(ctx, clustermap.None); err != nil {
		n.log.Warn("this node still leads", "err", err)
	}
}
