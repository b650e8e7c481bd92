package crew

import (
	"context"
	"errors"
	"fmt"
)

// Attach lets a server take part again.
func (c Crew) Attach(ctx context.Context, node int) error {
	return c.ask(ctx, decision, watch, "node.attach", nodeArgs{Node: node}, nil)
}

// Detach takes a server out; of the primary that is a failover, and ends with it. Graceful waits first until no client uses
// the server, at most recovery_timeout.
func (c Crew) Detach(ctx context.Context, node int, graceful bool) error {
	limit := change
	if graceful {
		limit += c.Config.Duration("recovery_timeout")
	}
	return c.ask(ctx, limit, watch, "node.detach", nodeArgs{Node: node, Graceful: graceful, Reason: "asked for by PCP"}, nil)
}

// Switchover makes a standby the primary, and ends when it takes writes.
func (c Crew) Switchover(ctx context.Context, to int) error {
	args := struct {
		To int `json:"to"`
	}{to}
	return c.ask(ctx, change, watch, "switchover", args, nil)
}

// Recover makes a server a standby of the primary, and ends when it streams and is attached, whenever that may be.
func (c Crew) Recover(ctx context.Context, node int) error {
	return c.ask(ctx, 0, watch, "recover", nodeArgs{Node: node}, nil)
}

type nodeArgs struct {
	Node     int    `json:"node"`
	Graceful bool   `json:"graceful,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// A Scope says whom an order to the crew is for.
type Scope string

// The scopes.
const (
	Local   Scope = "local" // the tools of this host
	Cluster Scope = "cluster"
)

// Stop ends the tools. mode is smart, fast or immediate.
func (c Crew) Stop(ctx context.Context, mode string, s Scope) error {
	return c.order(ctx, s, "stop", crewArgs{Mode: mode, Scope: s}, crewArgs{Mode: mode})
}

// Reload has the tools read their files again.
func (c Crew) Reload(ctx context.Context, s Scope) error {
	return c.order(ctx, s, "reload", crewArgs{Scope: s}, nil)
}

// Rotate has those that write log files begin new ones.
func (c Crew) Rotate(ctx context.Context, s Scope) error {
	return c.order(ctx, s, "rotate", crewArgs{Scope: s}, nil)
}

type crewArgs struct {
	Mode  string `json:"mode,omitempty"`
	Scope Scope  `json:"scope,omitempty"`
}

// order has pgwatch carry out what concerns the tools, since it reaches the other hosts. Without it, what keeps the tools of
// this host running is asked, with the arguments here, or else the router.
func (c Crew) order(ctx context.Context, s Scope, op string, args, here any) error {
	err := c.ask(ctx, decision, watch, "crew."+op, args, nil)
	var gone *Absent
	if !errors.As(err, &gone) {
		return err
	}
	if s == Cluster && c.Config.Bool("use_watchdog") {
		return fmt.Errorf("the other hosts cannot be told: %w, or ask for this host alone", err)
	}
	for _, name := range []string{pool, router} {
		if err = c.ask(ctx, decision, name, op, here, nil); !errors.As(err, &gone) {
			return err
		}
	}
	return err
}

// FlushCache empties the router's query cache.
func (c Crew) FlushCache(ctx context.Context) error {
	return c.ask(ctx, decision, router, "cache.flush", nil, nil)
}
