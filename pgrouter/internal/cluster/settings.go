package cluster

import (
	"slices"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/probe"
)

// settings is what standalone operation takes from the configuration. It does not change; a reload makes a new one.
type settings struct {
	backends []backend
	follow   map[int]follow
	health   map[int]health
}

// has tells whether there is a server of that number.
func (s *settings) has(id int) bool {
	return slices.ContainsFunc(s.backends, func(b backend) bool { return b.id == id })
}

func newSettings(c *config.Config, pw *passwd.File, o Options) *settings {
	s := &settings{follow: map[int]follow{}, health: map[int]health{}}

	every := c.Duration("sr_check_period")
	if every <= 0 || every > sampleEvery {
		every = sampleEvery
	}
	dirs := o.SocketDirs
	if dirs == nil {
		dirs = SocketDirs
	}
	// Without pool_hba the server's own pg_hba.conf lets clients in, and it must see them come by TCP.
	if c.Enum("backend_unix_socket") == "off" || !c.Bool("enable_pool_hba") {
		dirs = nil
	}

	for _, b := range c.Backends() {
		s.backends = append(s.backends, backend{id: b.ID, host: b.Host, port: b.Port, weight: b.Weight,
			name: b.ApplicationName, dir: b.DataDirectory,
			allowFailover: b.Flags.AllowToFailover, alwaysPrimary: b.Flags.AlwaysPrimary})

		check, stream := probe.Logins(c, b, pw, o.Key, o.BackendTLS)
		check.Application, stream.Application = "pgrouter", "pgrouter"
		s.follow[b.ID] = follow{Login: stream, every: every, socketDirs: dirs}
		s.health[b.ID] = health{Login: check, period: c.DurationAt("health_check_period", b.ID),
			retries: c.IntAt("health_check_max_retries", b.ID), delay: c.DurationAt("health_check_retry_delay", b.ID)}
	}
	return s
}
