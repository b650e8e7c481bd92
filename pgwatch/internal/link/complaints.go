package link

import (
	"context"
	"errors"
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

// A complaint is what about whom, and why if it is in words for an operator; other reasons are too many to tell apart.
type complaint struct {
	about string // an address
	what  string
	why   string
}

// complain makes a complaint of an error.
func complain(about, what string, err error) complaint {
	c := complaint{about: about, what: what}
	if r, ok := errors.AsType[refusal](err); ok {
		c.why = string(r)
	}
	if e, ok := errors.AsType[protocolError](err); ok {
		c.why = string(e)
	}
	return c
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
