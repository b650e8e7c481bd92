package node

import (
	"context"
	"fmt"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// change makes another backend the primary, as an operator asks.
func (n *Node) change(ctx context.Context, o order, kind clustermap.Kind) (any, error) {
	args := ChangeArgs{To: clustermap.None}
	if err := o.Bind(&args); err != nil {
		return nil, err
	}
	v := n.crew.View()
	switch {
	case args.To != clustermap.None && v.Map.Backend(args.To) == nil:
		return nil, unknownBackend(args.To)
	case args.To != clustermap.None && args.To == v.Map.PrimaryID():
		return nil, &control.Error{Code: control.CodeFailed, Msg: fmt.Sprintf("specified node is already primary node, can't promote node id %d", args.To)}
	}
	return n.begin(ctx, o, clustermap.Failover{Kind: kind, From: v.Map.PrimaryID(), To: args.To, AllowLoss: args.AllowLoss, Reason: "asked for by " + o.By})
}

// begin begins a failover and waits for its end.
func (n *Node) begin(ctx context.Context, o order, f clustermap.Failover) (any, error) {
	views, stop := n.crew.Watch()
	defer stop()
	rev, err := n.propose(ctx, o, clustermap.Command{Begin: &f})
	if err != nil {
		return nil, err
	}
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("it has begun and goes on, but is not done yet: see pgwatch status (%w)", context.Cause(ctx))
		case v := <-views:
			if done, err := ended(&v.Map, rev.Index); done || err != nil {
				return Changed{Primary: v.Map.PrimaryID(), Epoch: v.Map.Epoch}, err
			}
		}
	}
}

// ended tells how the failover with that number stands. The new primary takes writes before the other servers follow it.
func ended(m *clustermap.Map, id uint64) (bool, error) {
	switch {
	case m.Index < id:
		return false, nil
	case m.Failover != nil && m.Failover.ID == id:
		return m.Failover.State == clustermap.Reconverge, nil
	case m.Last != nil && m.Last.ID == id && m.Last.State == clustermap.Failed:
		return false, &control.Error{Code: control.CodeFailed, Msg: "it was given up: " + m.Last.Err}
	}
	return true, nil
}
