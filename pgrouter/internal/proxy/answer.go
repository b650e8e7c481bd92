package proxy

import (
	"context"

	"github.com/pgcrew/pgcrew/pgrouter/internal/admin"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// Answer implements conversation.World: SHOW POOL_* and its relatives, on a goroutine because what they show is on other
// loops.
func (c *client) Answer(unit []byte) {
	if c.engine == nil {
		c.engine = admin.New(c.sh.r)
	}
	c.engine.LoadBalanceNode = c.sh.readNode(c)
	if c.engine.LoadBalanceNode < 0 {
		c.engine.LoadBalanceNode = c.sh.m.Primary
	}
	if c.conv.Status() == wire.Failed {
		c.sh.later(func() {
			c.answered(wire.AppendError(nil, &wire.Error{Code: "25P02",
				Message: "current transaction is aborted, commands ignored until end of transaction block"}), true)
		})
		return
	}
	unit = append([]byte(nil), unit...)
	c.sh.r.wg.Go(func() {
		reply, failed := answer(c.sh.r.ctx, c.engine, unit)
		c.sh.later(func() { c.answered(reply, failed) })
	})
}

func answer(ctx context.Context, e *admin.Engine, unit []byte) (reply []byte, failed bool) {
	if unit[0] == wire.Query {
		text, _, _ := wire.CString(unit[wire.HeaderSize:])
		return e.Query(ctx, string(text)), false
	}
	return e.Batch(ctx, unit)
}

func (c *client) answered(reply []byte, failed bool) {
	if !c.gone {
		c.conv.Answered(reply, failed)
	}
}
