package proxy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/conversation"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A waiter is a session that waits for a server connection.
type waiter struct {
	node     int // -1: the primary, when there is one
	deadline time.Time
	cancel   context.CancelFunc // of its dialing; nil before
}

// Attach implements conversation.World.
func (c *client) Attach(node int) {
	c.wait = &waiter{node: node, deadline: c.sh.loop.Now().Add(c.sh.settings().FailoverWait)}
	c.sh.later(c.attach)
}

// attach looks for an idle connection, and dials when there is none. While no primary is known it waits for the
// next map.
func (c *client) attach() {
	w := c.wait
	if c.gone || w == nil || w.cancel != nil {
		return
	}
	m := c.sh.m
	node := w.node
	if node < 0 {
		if node = m.Primary; node < 0 {
			return
		}
	}
	if n := m.Node(node); n == nil || !n.Up {
		if node != m.Primary && w.node >= 0 {
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
	w.node = node
	c.sh.dial(ctx, c.id, node, m.Epoch, func(s *server, err error) {
		cancel()
		switch {
		case c.gone || c.wait != w:
			if err == nil {
				c.sh.keep(s)
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

func noPrimary(wait time.Duration) *wire.Error {
	return &wire.Error{
		Code:    "57P03",
		Message: "no primary is available",
		Detail:  fmt.Sprintf("None was known for failover_wait (%s).", wait),
		Hint:    "See SHOW pool_nodes.",
	}
}

var _ conversation.World = (*client)(nil)
