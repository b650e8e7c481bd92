package proxy

import (
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// tick enforces limits of time. They are in seconds, so once a second is often enough.
func (sh *shard) tick(now time.Time) {
	set := sh.settings()
	for i := 0; i < len(sh.timers); i++ {
		if t := sh.timers[i]; !now.Before(t.at) {
			sh.timers = append(sh.timers[:i], sh.timers[i+1:]...)
			i--
			t.f()
		}
	}
	for _, it := range sh.pool.Expire(func(it *item) bool {
		return set.ChildLife > 0 && now.Sub(it.Since) > set.ChildLife ||
			set.ConnectionLife > 0 && now.Sub(it.Born) > set.ConnectionLife
	}) {
		sh.discard(it.Conn)
	}
	sh.retire()
	sh.r.catalogs.refresh(set.CatalogLife)
	for c := range sh.clients {
		if w := c.wait; w != nil && w.cancel == nil {
			if now.After(w.deadline) {
				c.expire(noPrimary(set.FailoverWait, w.err))
			} else {
				c.attach()
			}
		}
		limit := c.idleLimit(set)
		if limit > 0 && c.conv.Status() == wire.Idle && !c.conv.Busy() && now.Unix()-c.active >= int64(limit/time.Second) {
			c.Close(&wire.Error{
				Severity: "FATAL",
				Code:     "57P05", // idle_session_timeout
				Message:  "terminating connection due to client_idle_limit",
				Detail:   fmt.Sprintf("The session was idle for client_idle_limit (%s).", limit),
			})
		}
	}
}

// idleLimit is client_idle_limit, which a session may have set for itself.
func (c *client) idleLimit(set *Settings) time.Duration {
	if c.engine != nil {
		if d, ok := c.engine.Duration("client_idle_limit"); ok {
			return d
		}
	}
	return set.IdleLimit
}

// drain ends a session because pgrouter stops.
func (sh *shard) drain(c *client) {
	if !c.gone && c.conv.Quiet() {
		c.Close(stopping())
	}
}

func stopping() *wire.Error {
	return &wire.Error{Severity: "FATAL", Code: "57P01", Message: "terminating connection due to administrator command",
		Detail: "pgrouter is shutting down."}
}
