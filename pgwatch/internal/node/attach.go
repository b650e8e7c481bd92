package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

const (
	// attachPatience is how long a server may take to be seen to stream: a follow_primary_command attaches it as soon as it runs.
	attachPatience = 5 * time.Second
	deadFor        = 2 * time.Second // then it is not about to start
	lookPause      = 100 * time.Millisecond
	drainPause     = 250 * time.Millisecond
)

// attach lets a server take part again. One that does not follow the primary is refused.
func (n *Node) attach(ctx context.Context, o order) error {
	var args BackendArgs
	if err := o.Bind(&args); err != nil {
		return err
	}
	if v := n.crew.View(); v.Map.Backend(args.Node) == nil {
		return unknownBackend(args.Node)
	}
	for waited := time.Duration(0); ; waited += lookPause {
		why, final := n.unfit(args.Node)
		if why == nil {
			break
		}
		if final || waited >= attachPatience {
			return why
		}
		if err := step.Sleep(ctx, lookPause); err != nil {
			return err
		}
	}
	_, err := n.propose(ctx, o, clustermap.Command{Backend: &clustermap.SetBackend{ID: args.Node, Status: clustermap.Attached, Reason: args.Reason}})
	return err
}

// unfit says why a server cannot be attached; nil when it can: the primary, and what follows it. final says that waiting
// does not help.
func (n *Node) unfit(id int) (why error, final bool) {
	v := n.crew.View()
	if v.Map.Primary == nil || id == v.Map.PrimaryID() {
		return nil, false
	}
	s, seen := n.planner.wishes.standby(id)
	if !seen || s.Follows {
		return nil, false
	}
	text, final := misfit(&s, v.Map.PrimaryID())
	return &control.Error{Code: control.CodeFailed, Msg: text, Hint: fmt.Sprintf("pgwatch recover %d, or pcp_recovery_node %d, makes it a standby", id, id)}, final
}

// misfit says why a backend is no working standby.
func misfit(s *failover.Standby, primary int) (text string, final bool) {
	switch {
	case s.Foreign:
		return fmt.Sprintf("backend %d belongs to another cluster (system identifier %s)", s.ID, s.SystemID), true
	case s.Health == report.Well && !s.Standby:
		return fmt.Sprintf("backend %d is a primary, and backend %d is the primary of the cluster", s.ID, primary), true
	case !s.Health.Lives():
		return fmt.Sprintf("backend %d is %s: %s", s.ID, s.Health, s.Err), s.For >= deadFor
	}
	return fmt.Sprintf("backend %d is not seen to stream from backend %d (if it does, sr_check_user needs pg_monitor)", s.ID, primary), false
}

// detach takes a server out until it is attached. In the place of the primary comes the best standby.
func (n *Node) detach(ctx context.Context, o order) error {
	var args DetachArgs
	if err := o.Bind(&args); err != nil {
		return err
	}
	v := n.crew.View()
	b := v.Map.Backend(args.Node)
	switch {
	case b == nil:
		return unknownBackend(args.Node)
	case b.Status == clustermap.Detached:
		return &control.Error{Code: control.CodeFailed, Msg: fmt.Sprintf("invalid degenerate backend request, node id : %d status: [3] is not valid for failover", b.ID), Hint: "it is detached"}
	case !n.mayGo(b.ID):
		return &control.Error{Code: control.CodeFailed, Msg: fmt.Sprintf("degenerate backend request for node_id: %d is canceled because failover is disallowed on the node", b.ID), Hint: fmt.Sprintf("see backend_flag%d", b.ID)}
	}
	if args.Graceful {
		if err := n.drain(ctx, b.ID); err != nil {
			return err
		}
	}
	reason := args.Reason
	if reason == "" {
		reason = "detached by " + o.By
	}
	if v = n.crew.View(); b.ID == v.Map.PrimaryID() {
		_, err := n.begin(ctx, o, clustermap.Failover{Kind: clustermap.Detach, From: b.ID, To: clustermap.None, Reason: reason})
		return err
	}
	_, err := n.propose(ctx, o, clustermap.Command{Backend: &clustermap.SetBackend{ID: b.ID, Status: clustermap.Detached, Reason: reason}})
	return err
}

// mayGo reports whether backend_flag allows a server to be taken out.
func (n *Node) mayGo(id int) bool {
	for _, b := range n.latest.Load().Config.Backends() {
		if b.ID == id {
			return b.Flags.AllowToFailover && !b.Flags.AlwaysPrimary
		}
	}
	return true
}

// drain waits until no session of any router uses a server, for recovery_timeout at most.
func (n *Node) drain(ctx context.Context, id int) error {
	limit := n.latest.Load().Config.Duration("recovery_timeout")
	for waited := time.Duration(0); ; waited += drainPause {
		used, err := n.sessions(ctx, id)
		if err != nil || used == 0 {
			return err
		}
		if waited >= limit {
			return &control.Error{Code: control.CodeFailed, Msg: fmt.Sprintf("%d sessions use backend %d still, after %v", used, id, limit), Hint: "detach it without waiting, or raise recovery_timeout"}
		}
		if err := step.Sleep(ctx, drainPause); err != nil {
			return err
		}
	}
}

// sessions counts the sessions of all routers that use a server.
func (n *Node) sessions(ctx context.Context, id int) (int, error) {
	used := 0
	v := n.crew.View()
	for _, m := range v.Map.Members {
		if !slices.Contains(v.Alive, m.ID) {
			continue
		}
		var here map[int]int
		if err := n.ask(ctx, m.ID, opSessions, nil, &here); err != nil {
			return 0, err
		}
		used += here[id]
	}
	return used, nil
}
