package proxy

import (
	"context"
	"time"
)

// A StopMode says what becomes of sessions when the router stops. The words are those of pg_ctl and Pgpool-II.
type StopMode string

// The modes.
const (
	Smart     StopMode = "smart"     // they stay until their clients leave
	Fast      StopMode = "fast"      // they end with their transactions, within shutdown_timeout; as at SIGTERM
	Immediate StopMode = "immediate" // they end now
)

// Stop makes Serve accept nobody any more and return when the sessions have ended. A harsher mode may follow a milder one.
// It does not wait, and does nothing before Serve.
func (r *Router) Stop(m StopMode) {
	select {
	case r.stops <- m:
	default: // others are on their way
	}
}

// leisurely waits until the last client has left, and returns what to do about those that stay when it is told to hurry.
func (r *Router) leisurely(hurry, loops context.Context) StopMode {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for r.sessions.Load() > 0 || r.entering.Load() > 0 {
		select {
		case <-look.C:
		case <-hurry.Done():
			return Fast
		case <-loops.Done():
			return Fast
		case m := <-r.stops:
			if m != Smart {
				return m
			}
		}
	}
	return Fast
}
