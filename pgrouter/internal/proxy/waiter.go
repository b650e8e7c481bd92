package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/conversation"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A waiter is a session that waits for a server connection.
type waiter struct {
	node     int  // whatever the primary is, when primary is true
	primary  bool // it waits for the primary, also when that changes or is away
	deadline time.Time
	cancel   context.CancelFunc // of its dialing; nil when it does not dial
	err      error              // of its last dialing
}

// Attach implements conversation.World.
func (c *client) Attach(node int) {
	c.wait = &waiter{
		node:     node,
		primary:  node < 0 || node == c.sh.m.Primary,
		deadline: c.sh.loop.Now().Add(c.sh.settings().FailoverWait),
	}
	c.sh.later(c.attach)
}

// attach looks for an idle connection, and dials when there is none. While no primary is there it waits for the next
// map or tick.
func (c *client) attach() {
	w := c.wait
	if c.gone || w == nil || w.cancel != nil {
		return
	}
	m := c.sh.m
	if w.primary {
		if w.node = m.Primary; w.node < 0 {
			return
		}
	}
	node := w.node
	if n := m.Node(node); n == nil || !n.Up {
		if !w.primary {
			c.attachFailed(node, errNodeDown)
		}
		return
	}
	if it, ok := c.sh.pool.Take(kind{c.id, node}, m.Epoch); ok {
		c.wait = nil
		c.take(it.Conn)
		return
	}
	ctx, cancel := context.WithCancel(c.sh.r.ctx)
	w.cancel = cancel
	c.sh.dial(ctx, c.id, node, m.Epoch, func(s *server, err error) {
		cancel()
		switch {
		case c.gone || c.wait != w:
			if err == nil {
				c.sh.keep(s)
			}
		case err != nil && w.primary && passes(err):
			// It has just gone, or is not yet back, and the map does not say so: as if none was known.
			w.cancel, w.err = nil, err
			if c.sh.m.Primary != node {
				c.attach()
			}
		case err != nil:
			c.attachFailed(node, err)
		default:
			c.wait = nil
			c.take(s)
		}
	})
}

// take makes a server connection this session's.
func (c *client) take(s *server) {
	s.owner = c
	s.sessions++
	s.conv.Renew()
	c.sh.used(s.node)
	c.conv.Attached(s.conv)
	if c.blocked {
		s.conn.Pause()
	}
}

var errNodeDown = errors.New("the node is down")

// attachFailed tells the conversation why there is no connection.
func (c *client) attachFailed(node int, err error) {
	c.wait = nil
	var refused *auth.ServerError
	if errors.As(err, &refused) {
		c.id.forget()
		c.conv.AttachFailed(node, refused.Raw, nil)
		return
	}
	c.conv.AttachFailed(node, nil, &wire.Error{
		Code:    "08006",
		Message: fmt.Sprintf("could not connect to node %d", node),
		Detail:  err.Error(),
	})
}

// expire ends a wait that has lasted for failover_wait, or that its client has cancelled.
func (c *client) expire(why *wire.Error) {
	w := c.wait
	if w == nil {
		return
	}
	c.wait = nil
	if w.cancel != nil {
		w.cancel()
	}
	c.conv.AttachFailed(w.node, nil, why)
}

// passes tells whether the reason why a server could not be reached may go away by itself: it does not answer,
// stops or starts. That it refuses this user or has no place is no such reason.
func passes(err error) bool {
	var refused *auth.ServerError
	var method *auth.MethodError
	var said *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return strings.HasPrefix(refused.Response.Code, "57P")
	case errors.As(err, &said):
		return strings.HasPrefix(said.Code, "57P")
	}
	return !errors.As(err, &method)
}

// noPrimary is what a client is told that has waited in vain; last is what came of the last attempt, if there was one.
func noPrimary(wait time.Duration, last error) *wire.Error {
	e := &wire.Error{
		Code:    "57P03",
		Message: "no primary is available",
		Detail:  fmt.Sprintf("None was there for failover_wait (%s).", wait),
		Hint:    "See SHOW pool_nodes.",
	}
	if last != nil {
		e.Detail += " Last error: " + last.Error()
	}
	return e
}

var _ conversation.World = (*client)(nil)
