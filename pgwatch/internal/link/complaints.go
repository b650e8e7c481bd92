package link

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	complainEvery = time.Minute
	maxComplaints = 1024 // remembered at a time; more are not said
)

// complaints says the same about the same peer once a minute.
type complaints struct {
	log *slog.Logger
	mu  sync.Mutex
	at  map[complaint]time.Time
}

// A complaint is what about whom: a node's number, or the address of one that has not told it.
type complaint struct {
	about string
	what  string
}

// say logs the words, unless that was done within the last minute.
func (c *complaints) say(now time.Time, level slog.Level, about complaint, args ...any) {
	if c.fresh(now, about) {
		c.log.Log(context.Background(), level, about.what, args...)
	}
}

func (c *complaints) fresh(now time.Time, about complaint) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.at[about]; ok && now.Sub(t) < complainEvery {
		return false
	}
	if len(c.at) >= maxComplaints {
		for k, t := range c.at {
			if now.Sub(t) >= complainEvery {
				delete(c.at, k)
			}
		}
	}
	if len(c.at) >= maxComplaints {
		return false
	}
	if c.at == nil {
		c.at = make(map[complaint]time.Time)
	}
	c.at[about] = now
	return true
}
