package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/user"
	"slices"
	"strconv"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// handle answers one request of the control socket.
func (n *Node) handle(ctx context.Context, from control.Peer, r control.Request) (any, error) {
	switch r.Op {
	case OpStatus:
		v := n.crew.View()
		if n.gossip != nil {
			v.Problems = append(slices.Clone(v.Problems), n.gossip.Problems()...)
		}
		return n.status(&v, n.sight(), n.clock(), n.version), nil
	case OpFollow:
		var args FollowArgs
		if err := r.Bind(&args); err != nil {
			return nil, err
		}
		return control.Stream(func(ctx context.Context, c net.Conn) error { return n.hub.Serve(ctx, c, args.Types) }), nil
	case OpReport:
		var e event.Event
		if err := r.Bind(&e); err != nil {
			return nil, err
		}
		return nil, n.passOn(e)
	case OpMishap:
		var args MishapArgs
		if err := r.Bind(&args); err != nil {
			return nil, err
		}
		if !n.observer.hint(args.Node) {
			return nil, &control.Error{Code: control.CodeBadRequest, Msg: fmt.Sprintf("there is no backend %d", args.Node)}
		}
		return nil, nil
	case OpForceQuorum:
		return nil, n.crew.Force(ctx, "an operator: "+who(from))
	}
	return n.lead(ctx, order{Request: r, By: who(from)})
}

// order is a request on its way to the leader.
type order struct {
	control.Request
	By string `json:"by"`
}

// lead carries an order out when this node leads, and otherwise has the leader do it.
func (n *Node) lead(ctx context.Context, o order) (any, error) {
	v := n.crew.View()
	if v.Leading {
		return n.decide(ctx, o)
	}
	if v.Leader == clustermap.None || v.Leader == n.Self.ID {
		return nil, &control.Error{Code: control.CodeNotLeader, Msg: "there is no leader now", Hint: "try again; pgwatch status says who is alive"}
	}
	body, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	text, err := n.crew.Request(ctx, v.Leader, body)
	if err != nil {
		return nil, fmt.Errorf("ask the leader %s: %w", n.name(v.Leader), err)
	}
	var a control.Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("the answer of the leader %s: %w", n.name(v.Leader), err)
	}
	if a.Err != nil {
		return nil, a.Err
	}
	return a.D, nil
}

// serveOrder answers an order that another node has sent.
func (n *Node) serveOrder(ctx context.Context, body []byte) []byte {
	var o order
	a := control.Answer{}
	d, err := any(nil), json.Unmarshal(body, &o)
	if err == nil {
		d, err = n.decide(ctx, o)
	}
	if err == nil && d != nil {
		a.D, err = json.Marshal(d)
	}
	if err != nil {
		var said *control.Error
		if !errors.As(err, &said) {
			said = &control.Error{Code: control.CodeFailed, Msg: err.Error()}
		}
		a.Err = said
	}
	text, _ := json.Marshal(a) // plain values
	return text
}

// decide carries an order out. It needs to run on the leader.
func (n *Node) decide(ctx context.Context, o order) (any, error) {
	v := n.crew.View()
	switch {
	case !v.Leading:
		return nil, &control.Error{Code: control.CodeNotLeader, Msg: n.name(n.Self.ID) + " does not lead", Leader: n.name(v.Leader)}
	case o.If != nil && o.If.Epoch != v.Map.Epoch:
		return nil, &control.Error{Code: control.CodeStale, Msg: fmt.Sprintf("the cluster is in epoch %d, not %d", v.Map.Epoch, o.If.Epoch)}
	}
	switch o.Op {
	case OpSwitchover:
		return n.change(ctx, o, clustermap.Switchover)
	case OpFailover:
		return n.change(ctx, o, clustermap.Operator)
	case OpAttach:
		return nil, n.setBackend(ctx, o, clustermap.Attached)
	case OpDetach:
		return nil, n.setBackend(ctx, o, clustermap.Detached)
	case OpPause, OpResume:
		paused := o.Op == OpPause
		return nil, n.propose(ctx, o, clustermap.Command{Pause: &paused})
	case OpVoterRemove:
		var args VoterArgs
		if err := o.Bind(&args); err != nil {
			return nil, err
		}
		return nil, n.crew.RemoveVoter(ctx, clustermap.NodeID(args.Node))
	}
	return nil, control.Unknown(o.Op)
}

func (n *Node) setBackend(ctx context.Context, o order, s clustermap.Status) error {
	var args BackendArgs
	if err := o.Bind(&args); err != nil {
		return err
	}
	if s == clustermap.Attached {
		if err := n.fit(args.Node); err != nil {
			return err
		}
	}
	return n.propose(ctx, o, clustermap.Command{Backend: &clustermap.SetBackend{ID: args.Node, Status: s, Reason: args.Reason}})
}

// fit refuses to attach what would not work: a server that is not the primary must be a standby of the same cluster.
func (n *Node) fit(id int) error {
	v := n.crew.View()
	for _, b := range n.observer.seen() {
		switch {
		case b.ID != id || id == v.Map.PrimaryID() || v.Map.Primary == nil:
		case !b.Health.Lives():
			return &control.Error{Code: control.CodeFailed, Msg: fmt.Sprintf("backend %d is %s: %s", id, b.Health, b.Err), Hint: "start it first"}
		case b.SystemID != "" && b.SystemID != v.Map.Primary.SystemID:
			return &control.Error{Code: control.CodeFailed, Msg: fmt.Sprintf("backend %d belongs to another cluster (system identifier %s)", id, b.SystemID), Hint: "make it a standby with pgrecover"}
		case b.SystemID != "" && !b.Standby:
			return &control.Error{Code: control.CodeFailed, Msg: fmt.Sprintf("backend %d is a primary, and backend %d is the primary of the cluster", id, v.Map.PrimaryID()), Hint: "make it a standby with pgrecover"}
		}
	}
	return nil
}

// propose has a command agreed on.
func (n *Node) propose(ctx context.Context, o order, c clustermap.Command) error {
	c.At, c.By = time.Now(), o.By
	_, err := n.crew.Propose(ctx, c)
	return err
}

// change begins a failover and waits for its end.
func (n *Node) change(ctx context.Context, o order, kind clustermap.Kind) (any, error) {
	args := ChangeArgs{To: clustermap.None}
	if err := o.Bind(&args); err != nil {
		return nil, err
	}
	v := n.crew.View()
	c := clustermap.Command{At: time.Now(), By: o.By, Begin: &clustermap.Failover{Kind: kind, From: v.Map.PrimaryID(), To: args.To,
		AllowLoss: args.AllowLoss, Reason: "asked for by " + o.By}}
	rev, err := n.crew.Propose(ctx, c)
	if err != nil {
		return nil, err
	}
	views, stop := n.crew.Watch()
	defer stop()
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

// who names the user of a process that asks.
func who(p control.Peer) string {
	uid := strconv.Itoa(int(p.UID))
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return "user " + uid
}

// passOn tells followers what pgvip did. Nothing else may be said in this node's name.
func (n *Node) passOn(e event.Event) error {
	var d event.Payload
	var err error
	switch e.Type {
	case event.TypeVIPUp:
		d, err = event.Decode[event.VIPUp](e)
	case event.TypeVIPDown:
		d, err = event.Decode[event.VIPDown](e)
	case event.TypeVIPConflict:
		d, err = event.Decode[event.VIPConflict](e)
	default:
		err = fmt.Errorf("an event of type %q is not passed on", e.Type)
	}
	if err != nil {
		return &control.Error{Code: control.CodeBadRequest, Msg: err.Error()}
	}
	v := n.crew.View()
	n.hub.Publish(d, at(&v))
	return nil
}
