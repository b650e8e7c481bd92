package node

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/probe"
	"github.com/pgcrew/pgcrew/pgwatch/internal/trap"
)

// trapsEvery is how often a node looks for them. Only what is new is logged.
const trapsEvery = 10 * time.Minute

// tellTraps logs them as they come.
func (n *Node) tellTraps(ctx context.Context) {
	said := map[string]bool{}
	for ctx.Err() == nil {
		c, all := n.latest.Load().survey(ctx)
		slots := c.IdleSlots(all)
		n.idleSlots.Store(&slots)
		for _, t := range c.Find(all) {
			if !said[t] {
				said[t] = true
				n.log.Warn(t)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(trapsEvery):
		}
	}
}

// trapLimit is how long a server may take to tell its settings.
const trapLimit = 5 * time.Second

// ServerTraps are traps in the settings of the servers themselves, as far as they can be asked now, or are on this host. It may take
// some seconds.
func (s *Settings) ServerTraps(ctx context.Context) []string {
	c, all := s.survey(ctx)
	return c.Find(all)
}

// survey asks all servers for what may be a trap.
func (s *Settings) survey(ctx context.Context) (c trap.Crew, all []trap.Facts) {
	if s.Self.Witness {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(ctx, trapLimit)
	defer cancel()
	c.RecoveryUser = s.Config.String("recovery_user")
	if c.RecoveryUser == "" {
		c.RecoveryUser = "postgres"
	}
	for _, b := range s.Config.Backends() {
		c.Servers = append(c.Servers, trap.Server{ID: b.ID, Host: b.Host, Addr: net.JoinHostPort(b.Host, strconv.Itoa(b.Port)), Name: b.ApplicationName})
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, b := range s.Config.Backends() {
		wg.Go(func() {
			if f, ok := s.facts(ctx, c, b); ok {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, f)
			}
		})
	}
	wg.Wait()
	slices.SortFunc(all, func(a, b trap.Facts) int { return a.ID - b.ID })
	return c, all
}

// facts asks a server, or reads them from the files of one that does not run. That one cannot be asked is for the health
// checks to tell.
func (s *Settings) facts(ctx context.Context, c trap.Crew, b config.Backend) (trap.Facts, bool) {
	_, login := probe.Logins(s.Config, b, s.Passwords, s.Key, s.TLS)
	if login.User != "" {
		login.Application, login.Limit = "pgwatch", trapLimit
		network, address := probe.Address(b.Host, b.Port)
		if conn, err := login.Connect(ctx, network, address); err == nil {
			defer conn.Close()
			f, err := c.Ask(ctx, b.ID, conn)
			return f, err == nil
		}
	}
	if !s.Local[b.ID] || b.DataDirectory == "" {
		return trap.Facts{}, false
	}
	return trap.Read(ctx, b.ID, postmaster.New(b.DataDirectory))
}
