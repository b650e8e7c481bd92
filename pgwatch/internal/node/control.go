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
		return n.status(&v, n.sight()), nil
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
	case OpStop, OpReload, OpRotate:
		return nil, n.household(ctx, order{Request: r, By: who(from)})
	case OpRecover:
		return n.recover(ctx, order{Request: r, By: who(from)})
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
	return n.request(ctx, v.Leader, o)
}

// request has a node carry an order out.
func (n *Node) request(ctx context.Context, to clustermap.NodeID, o order) (json.RawMessage, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if to == n.Self.ID {
		text = n.serveOrder(ctx, text)
	} else if text, err = n.crew.Request(ctx, to, text); err != nil {
		return nil, fmt.Errorf("ask %s: %w", n.name(to), err)
	}
	var a control.Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("the answer of %s: %w", n.name(to), err)
	}
	if a.Err != nil {
		return nil, a.Err
	}
	return a.D, nil
}

// serveOrder answers an order that another node has sent: to the leader, or to each node for itself.
func (n *Node) serveOrder(ctx context.Context, body []byte) []byte {
	var o order
	a := control.Answer{}
	d, err := any(nil), json.Unmarshal(body, &o)
	switch {
	case err != nil:
	case o.Op == OpStop, o.Op == OpReload, o.Op == OpRotate:
		err = n.household(ctx, o)
	case o.Op == opSessions:
		d, err = n.sessionsHere(ctx)
	default:
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
		return nil, n.attach(ctx, o)
	case OpDetach:
		return nil, n.detach(ctx, o)
	case OpRecover:
		return n.beginOrLook(o)
	case OpPause, OpResume:
		paused := o.Op == OpPause
		_, err := n.propose(ctx, o, clustermap.Command{Pause: &paused})
		return nil, err
	case OpVoterRemove:
		var args VoterArgs
		if err := o.Bind(&args); err != nil {
			return nil, err
		}
		return nil, n.crew.RemoveVoter(ctx, clustermap.NodeID(args.Node))
	}
	return nil, control.Unknown(o.Op)
}

// propose has a command agreed on.
func (n *Node) propose(ctx context.Context, o order, c clustermap.Command) (clustermap.Rev, error) {
	c.At, c.By = time.Now(), o.By
	return n.crew.Propose(ctx, c)
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
