package main

import "github.com/pgcrew/pgcrew/pcpd/internal/client"

type attachCmd struct{ node }

// Run attaches.
func (a attachCmd) Run(s *shell) error {
	return a.order(s, func(c *client.Conn, id int) error { return c.Attach(id) })
}

type detachCmd struct {
	node
	Gracefully bool `short:"g" help:"When the clients have left."`
}

// Run detaches.
func (a detachCmd) Run(s *shell) error {
	return a.order(s, func(c *client.Conn, id int) error { return c.Detach(id, a.Gracefully) })
}

type promoteCmd struct {
	node
	Gracefully bool `short:"g" help:"When the clients have left."`
	Switchover bool `short:"s" help:"Promote PostgreSQL and make the old primary its standby, rather than only write down who is the primary."`
}

// Run promotes.
func (a promoteCmd) Run(s *shell) error {
	return a.order(s, func(c *client.Conn, id int) error {
		return c.Promote(id, a.Gracefully, a.Switchover, client.Layout(s.Compat))
	})
}

type recoverCmd struct{ node }

// Run returns when the node is a standby.
func (a recoverCmd) Run(s *shell) error {
	return a.order(s, func(c *client.Conn, id int) error { return c.Recover(id) })
}

type stopCmd struct {
	Mode string `short:"m" placeholder:"MODE" help:"smart: when the clients have left; fast: sessions are ended; immediate: at once." enum:"smart,s,fast,f,immediate,i" default:"smart"`
	scope
	All bool `short:"a" hidden:"" help:"Taken and ignored, as Pgpool-II does."`
	arguments
}

// Run stops the pooler. The protocol has the first letter of the mode.
func (a stopCmd) Run(s *shell) error {
	a.extra(s, 0)
	return s.order(func(c *client.Conn) error { return c.Stop(a.Mode[0], a.cluster()) })
}

type reloadCmd struct {
	scope
	arguments
}

// Run has the configuration read.
func (a reloadCmd) Run(s *shell) error {
	a.extra(s, 0)
	return s.order(func(c *client.Conn) error { return c.Reload(a.cluster()) })
}

type rotateCmd struct {
	scope
	arguments
}

// Run has a new log file begun.
func (a rotateCmd) Run(s *shell) error {
	a.extra(s, 0)
	return s.order(func(c *client.Conn) error { return c.Rotate(a.cluster()) })
}

type invalidateCacheCmd struct{ arguments }

// Run empties the cache.
func (a invalidateCacheCmd) Run(s *shell) error {
	a.extra(s, 0)
	return s.order(func(c *client.Conn) error { return c.InvalidateCache() })
}
