package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// The other tools of this host, by their sockets. pgpool, where it runs, has started the others and stops them in order.
const (
	poolSocket   = "pgpool.sock"
	routerSocket = "pgrouter.sock"
)

// opSessions asks a node how many sessions of its router use each server: a map by backend.
const opSessions = "sessions"

// askLimit is how long another node may take for what does not need the leader.
const askLimit = 10 * time.Second

// household carries out crew.stop, crew.reload or crew.rotate: on this host, or on all of them, this one last.
func (n *Node) household(ctx context.Context, o order) error {
	var args StopArgs
	if err := o.Bind(&args); err != nil {
		return err
	}
	switch {
	case args.Scope != "" && args.Scope != ScopeLocal && args.Scope != ScopeCluster:
		return &control.Error{Code: control.CodeBadRequest, Msg: fmt.Sprintf("scope %q is neither %s nor %s", args.Scope, ScopeLocal, ScopeCluster)}
	case !slices.Contains([]string{"", "smart", "fast", "immediate"}, args.Mode), args.Mode != "" && o.Op != OpStop:
		return &control.Error{Code: control.CodeBadRequest, Msg: fmt.Sprintf("%s has no mode %q", o.Op, args.Mode)}
	}
	var others error
	if args.Scope == ScopeCluster {
		others = n.everywhereElse(ctx, o.Op, args.Mode)
	}
	return errors.Join(others, n.here(ctx, o.Op, args.Mode))
}

// everywhereElse asks all other nodes that live, at once.
func (n *Node) everywhereElse(ctx context.Context, op, mode string) error {
	v := n.crew.View()
	errs := make([]error, len(v.Map.Members))
	var wg sync.WaitGroup
	for i, m := range v.Map.Members {
		if m.ID != n.Self.ID && slices.Contains(v.Alive, m.ID) {
			wg.Go(func() { errs[i] = n.ask(ctx, m.ID, op, StopArgs{Mode: mode}, nil) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// here carries an operation out for the tools of this host.
func (n *Node) here(ctx context.Context, op, mode string) error {
	switch op {
	case OpStop:
		args := struct {
			Mode string `json:"mode"`
		}{mode}
		if there, err := n.neighbour(ctx, poolSocket, "stop", args, nil); there {
			return err
		}
		defer n.stop()
		n.handOver(ctx) // so that the address is up there when routers here stop
		_, err := n.neighbour(ctx, routerSocket, "stop", args, nil)
		return err
	case OpReload:
		if there, err := n.neighbour(ctx, poolSocket, "reload", nil, nil); there {
			return err
		}
		_, err := n.neighbour(ctx, routerSocket, "reload", nil, nil)
		return errors.Join(err, n.again())
	}
	there, err := n.neighbour(ctx, poolSocket, "rotate", nil, nil)
	if !there {
		_, err = n.neighbour(ctx, routerSocket, "rotate", nil, nil)
	}
	return err
}

// neighbour asks another tool of this host. there is false when it does not run.
func (n *Node) neighbour(ctx context.Context, socket, op string, args, result any) (there bool, err error) {
	err = tool.Ask(ctx, n.Config, socket, op, args, result)
	if control.Absent(err) {
		return false, nil
	}
	return true, err
}

// sessionsHere counts the sessions of this host's router by the server that they use.
func (n *Node) sessionsHere(ctx context.Context) (map[int]int, error) {
	var status struct {
		Nodes []struct {
			ID   int `json:"id"`
			Used int `json:"used"`
		} `json:"nodes"`
	}
	used := map[int]int{}
	_, err := n.neighbour(ctx, routerSocket, "status", nil, &status)
	for _, b := range status.Nodes {
		used[b.ID] = b.Used
	}
	return used, err
}

// ask has a node, which may be this one, do something for itself.
func (n *Node) ask(ctx context.Context, id clustermap.NodeID, op string, args, result any) error {
	o := order{Request: control.Request{Op: op}, By: n.name(n.Self.ID)}
	if args != nil {
		text, err := json.Marshal(args)
		if err != nil {
			return err
		}
		o.Args = text
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	d, err := n.request(ctx, id, o)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(d, result)
}
