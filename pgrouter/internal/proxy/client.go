package proxy

import (
	"net/netip"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/admin"
	"github.com/pgcrew/pgcrew/pgrouter/internal/conversation"
	"github.com/pgcrew/pgcrew/pgrouter/internal/loop"
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A client is one client session on a loop: the loop's Handler for its connection and the World of its
// conversation.
type client struct {
	sh       *shard
	conn     *loop.Conn
	conv     *conversation.Session
	id       *identity
	engine   *admin.Engine // when SHOW POOL_* was first used
	wait     *waiter       // for a server connection
	addr     netip.AddrPort
	secret   []byte // of its cancel key
	pid      uint32
	cancels  int16 // cancel requests on their way to a server
	readNode int16 // chosen for the session; -1 before
	stalled  bool  // its input waits for the conversation
	blocked  bool  // its output waits for the client: servers are paused
	ddl      bool  // it has changed the catalog, in a transaction that may still be open
	closing  bool  // to be closed when its output has gone
	gone     bool
	active   int64 // Unix seconds of its last input
	start    int64 // Unix seconds
}

// stall is how much input may wait for the conversation before the client is paused, in bytes.
const stall = 64 << 10

// Data implements loop.Handler.
func (c *client) Data(b []byte) int {
	if c.gone || c.closing {
		return len(b)
	}
	c.active = c.sh.loop.Now().Unix()
	n := 0
	if c.cancels == 0 {
		n = c.conv.FromClient(b)
	}
	if c.gone || c.closing {
		return len(b)
	}
	if len(b)-n >= stall {
		c.stalled = true
		c.conn.Pause()
	}
	return n
}

// Drained implements loop.Handler: the client has taken its answers.
func (c *client) Drained() {
	if c.closing {
		c.finish()
		return
	}
	c.blocked = false
	for _, srv := range c.conv.Servers() {
		srv.Conn.(*server).conn.Resume()
	}
}

// Closed implements loop.Handler.
func (c *client) Closed(error) { c.end() }

// serverDrained goes on with input that had to wait for a server.
func (c *client) serverDrained() {
	for _, srv := range c.conv.Servers() {
		if srv.Conn.(*server).conn.Waiting() > 0 {
			return
		}
	}
	if !c.stalled && !c.closing {
		c.conn.Resume()
	}
}

// ToClient implements conversation.World.
func (c *client) ToClient(b []byte) {
	if c.conn.Send(b) && !c.blocked {
		// A slow client slows its servers down; nothing is collected for it beyond what was read already.
		c.blocked = true
		for _, srv := range c.conv.Servers() {
			srv.Conn.(*server).conn.Pause()
		}
	}
}

// ToServer implements conversation.World.
func (c *client) ToServer(srv *conversation.Server, b []byte) {
	if srv.Conn.(*server).conn.Send(b) {
		c.conn.Pause()
	}
}

// Retry implements conversation.World.
func (c *client) Retry() {
	if c.ddl && c.conv.Status() == wire.Idle && !c.conv.Busy() {
		c.ddl = false
		c.id.catalog.changed() // a snapshot that was taken meanwhile had not seen it yet
	}
	if c.sh.draining && c.conv.Quiet() {
		c.sh.later(func() { c.sh.drain(c) })
		return
	}
	if c.stalled {
		c.stalled = false
		c.serverDrained()
		return
	}
	if c.conv.Repeats() {
		c.sh.later(c.repeat)
		return
	}
	c.conn.Retry()
}

// repeat goes on without input of the client.
func (c *client) repeat() {
	if c.gone || c.closing || c.cancels > 0 {
		return
	}
	c.conv.FromClient(nil)
	c.conn.Retry()
}

// PrimaryNode implements conversation.World.
func (c *client) PrimaryNode() int { return c.sh.m.Primary }

// ReadNode implements conversation.World.
func (c *client) ReadNode() int { return c.sh.readNode(c) }

// Classify implements conversation.World.
func (c *client) Classify(sql []byte, env *conversation.Env) route.Verdict {
	return c.sh.classify(c, sql, env)
}

// ClassifyParse implements conversation.World.
func (c *client) ClassifyParse(sql []byte, env *conversation.Env) route.Verdict {
	return c.sh.classifyParse(c, sql, env)
}

// IsLocal implements conversation.World.
func (c *client) IsLocal(sql []byte) bool { return admin.Match(sql) }

// OwnsStatement implements conversation.World.
func (c *client) OwnsStatement(name []byte) bool {
	return c.engine != nil && c.engine.Owns(string(name))
}

// Count implements conversation.World.
func (c *client) Count(node int, class route.Class, flags route.Flag, verb byte) {
	c.sh.count(node, class, verb)
	switch {
	case class == route.DDL && flags&(route.Temp|route.TempRead) != 0:
		// The classifier knows the session's own temporary objects, and nobody else sees them.
	case class == route.DDL && (verb == 'c' || verb == 'a'):
		c.id.catalog.changed()
		c.ddl = true
	case class == route.DDL, class == route.Call:
		// What is dropped cannot be called. What a procedure does is not known.
		c.id.catalog.suspect()
	}
}

// CountError implements conversation.World.
func (c *client) CountError(node int, severity string) { c.sh.countError(node, severity) }

// Drop implements conversation.World.
func (c *client) Drop(srv *conversation.Server) { c.sh.discard(srv.Conn.(*server)) }

// Released implements conversation.World.
func (c *client) Released(srv *conversation.Server) { c.sh.giveBack(srv.Conn.(*server)) }

// Close implements conversation.World: it tells the client why and ends the session.
func (c *client) Close(why *wire.Error) {
	if c.gone || c.closing {
		return
	}
	c.closing = true
	if why != nil {
		c.conn.Send(wire.AppendError(nil, why))
	}
	if c.conn.Waiting() == 0 {
		c.sh.later(c.finish)
		return
	}
	c.conn.Pause()
	// A client that never reads what it is told does not stay for ever.
	c.sh.after(5*time.Second, c.finish)
}

func (c *client) finish() {
	if !c.gone {
		c.conn.Close()
		c.end()
	}
}

// end gives up all that the session has. It happens once.
func (c *client) end() {
	if c.gone {
		return
	}
	c.gone = true
	c.sh.forget(c)
	if srv := c.conv.Active(); srv != nil && srv.Busy() && c.conv.Reading() {
		// Nobody waits for it any more. A write is left to end: its client may have counted on that.
		c.sh.r.sendCancel(srv.Conn.(*server).target, nil)
	}
	for _, srv := range c.conv.Servers() {
		srv.Conn.(*server).conn.Resume()
	}
	c.conv.End(c.sh.settings().Resets)
}
