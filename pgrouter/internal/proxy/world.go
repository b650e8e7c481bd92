package proxy

import (
	"context"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgrouter/internal/admin"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

var _ admin.World = (*Router)(nil)

// Config implements admin.World.
func (r *Router) Config() *config.Config { return r.settings.Load().Config }

// Map implements admin.World.
func (r *Router) Map() *cluster.Map { return r.cluster.Map() }

// Version implements admin.World.
func (r *Router) Version() string { return "pgrouter " + r.version }

// Health implements admin.World, for a cluster that keeps such statistics.
func (r *Router) Health() []cluster.HealthStats {
	if h, ok := r.cluster.(interface{ Health() []cluster.HealthStats }); ok {
		return h.Health()
	}
	return nil
}

// gather asks every loop, each on its own goroutine, and waits for all that still run.
func (r *Router) gather(ctx context.Context, f func(sh *shard)) {
	for _, sh := range r.shards {
		done := make(chan struct{})
		if !sh.loop.Post(func() { f(sh); close(done) }) {
			continue
		}
		select {
		case <-done:
		case <-ctx.Done():
			return
		case <-r.ctx.Done():
			return
		}
	}
}

// Sessions implements admin.World.
func (r *Router) Sessions(ctx context.Context) (all []admin.Session) {
	r.gather(ctx, func(sh *shard) {
		for c := range sh.clients {
			row := admin.Session{PID: c.pid, Start: time.Unix(c.start, 0), Database: c.id.database, User: c.id.user, State: c.state()}
			if srv := c.conv.Active(); srv != nil {
				s := srv.Conn.(*server)
				row.Connected, row.PoolCounter = s.born, s.sessions
			}
			all = append(all, row)
		}
	})
	return all
}

// Pools implements admin.World.
func (r *Router) Pools(ctx context.Context) (all []admin.Pool) {
	r.gather(ctx, func(sh *shard) {
		now := time.Now()
		for s := range sh.servers {
			row := admin.Pool{BackendID: s.node, Database: s.id.database, User: s.id.user, Connected: s.born,
				Major: 3, Counter: s.sessions, BackendPID: s.target.pid, State: admin.Waiting}
			if c := s.owner; c != nil {
				row.PID, row.Start, row.ClientCame = c.pid, time.Unix(c.start, 0), time.Unix(c.start, 0)
				row.InUse, row.State = true, c.state()
				if !c.conv.Busy() {
					row.ClientIdle = now.Sub(time.Unix(c.active, 0))
				}
			}
			all = append(all, row)
		}
	})
	return all
}

// NodeStats implements admin.World.
func (r *Router) NodeStats() (all []admin.NodeStats) {
	var sums tally
	r.gather(r.ctx, func(sh *shard) { sums.add(&sh.stats) })
	for node := range sums {
		c := sums.of(node)
		all = append(all, admin.NodeStats{NodeID: node, Selects: c.selects, Inserts: c.inserts, Updates: c.updates,
			Deletes: c.deletes, DDL: c.ddl, Other: c.others, Panics: c.panics, Fatals: c.fatals, Errors: c.errors})
	}
	return all
}

// state is what the session does, in Pgpool-II's words.
func (c *client) state() string {
	switch {
	case c.conv.Busy():
		return admin.Executing
	case c.conv.Status() == wire.Idle:
		return admin.Idle
	}
	return admin.IdleInTransaction
}
