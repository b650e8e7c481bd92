package command

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/pgcrew/pgcrew/pcpd/internal/crew"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

func attach(r *request) ([]byte, error) {
	id, err := r.node()
	if err != nil {
		return nil, err
	}
	return reply('c'), r.crew.Attach(r.ctx, id)
}

func detach(r *request) ([]byte, error) {
	id, err := r.node()
	if err != nil {
		return nil, err
	}
	return reply('d'), r.crew.Detach(r.ctx, id, r.kind == frame.DetachGracefully)
}

// recovery answers when the node streams, or cannot; it goes on when the client does not wait.
func recovery(r *request) ([]byte, error) {
	id, err := r.node()
	if err != nil {
		return nil, err
	}
	err = r.crew.Recover(r.ctx, id)
	if err != nil {
		// Pgpool-II has this one without a detail.
		if msg, _ := crew.Said(err); strings.HasPrefix(msg, "node recovery failed") {
			return nil, &refusal{Severity: frame.Error, Message: msg}
		}
	}
	return reply(frame.RecoverReply), err
}

const (
	notPromotable = "could not process promote request"
	notToPromote  = "invalid promote request"
)

// promote makes a standby the primary. Without the flag for a switchover Pgpool-II changes only what it takes for the primary,
// which nobody can want while the servers are of another opinion.
func promote(r *request) ([]byte, error) {
	head, flag, _ := bytes.Cut(r.payload, []byte{0})
	id, err := r.known(strings.TrimRight(string(head), " "), notPromotable)
	if err != nil {
		return nil, err
	}
	nodes, err := r.crew.Nodes(r.ctx)
	if err != nil {
		return nil, failed(notPromotable, err)
	}
	var it crew.Node
	others := 0 // servers that are primaries
	for _, n := range nodes {
		switch {
		case n.ID == id:
			it = n
		case n.PGRole == "primary":
			others++
		}
	}
	switch {
	case it.Primary:
		return nil, &refusal{Severity: frame.Fatal, Message: notToPromote,
			Detail: "specified node is already primary node, can't promote node id " + number(id)}
	case string(flag) == string(frame.SwitchoverFlag):
	case it.PGRole == "primary" && others == 0:
		return reply(frame.PromoteReply), nil // the crew sees it too
	default:
		return nil, refuse(notToPromote, "PostgreSQL of node %d is no primary, and a name alone would not make it one: use pcp_promote_node --switchover (-s)", id)
	}
	if r.kind == frame.PromoteGraceful {
		if err := r.clientsLeave(); err != nil {
			return nil, err
		}
	}
	if err := r.crew.Switchover(r.ctx, id); err != nil {
		return nil, failed(notPromotable, err)
	}
	return reply(frame.PromoteReply), nil
}

// clientsLeave waits until the router of this host has no clients, for recovery_timeout at most.
func (r *request) clientsLeave() error {
	limit := r.crew.Config.Duration("recovery_timeout")
	end := time.NewTimer(limit)
	defer end.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		n, err := r.crew.Sessions(r.ctx)
		var gone *crew.Absent
		switch {
		case errors.As(err, &gone) || err == nil && n == 0:
			return nil
		case err != nil:
			return failed(notPromotable, err)
		}
		select {
		case <-look.C:
		case <-end.C:
			return refuse(notPromotable, "%d clients are still connected after recovery_timeout (%v)", n, limit)
		case <-r.ctx.Done():
			return failed(notPromotable, r.ctx.Err())
		}
	}
}
