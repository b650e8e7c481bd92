package cluster

import (
	"crypto/tls"
	"strings"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/passwd"
)

// settings is what standalone operation takes from the configuration. It does not change; a reload makes a new one.
type settings struct {
	backends []backend
	follow   map[int]follow
	health   map[int]health
}

func newSettings(c *config.Config, pw *passwd.File, o Options) *settings {
	s := &settings{follow: map[int]follow{}, health: map[int]health{}}

	sr := login{
		user:     c.String("sr_check_user"),
		password: c.String("sr_check_password"),
		database: c.String("sr_check_database"),
	}
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

		hc := login{
			user:     c.StringAt("health_check_user", b.ID),
			password: c.StringAt("health_check_password", b.ID),
			database: c.StringAt("health_check_database", b.ID),
			dial:     c.DurationAt("connect_timeout", b.ID),
			limit:    c.DurationAt("health_check_timeout", b.ID),
		}
		mine := sr
		mine.dial, mine.limit = hc.dial, hc.dial
		if mine.user == "" {
			mine.user, mine.password, mine.database = hc.user, hc.password, hc.database
		}
		if hc.user == "" {
			hc.user, hc.password, hc.database = mine.user, mine.password, mine.database
		}
		for _, l := range []*login{&mine, &hc} {
			l.password = password(l.user, l.password, pw, o.Key)
			l.tls = backendTLS(o.BackendTLS, b.Host)
			if l.database == "" {
				l.database = "postgres"
			}
		}
		s.follow[b.ID] = follow{login: mine, every: every, socketDirs: dirs}
		s.health[b.ID] = health{login: hc, period: c.DurationAt("health_check_period", b.ID),
			retries: c.IntAt("health_check_max_retries", b.ID), delay: c.DurationAt("health_check_retry_delay", b.ID)}
	}
	return s
}

// password applies Pgpool-II's rule: the setting if it is not empty, in clear or as AES... or TEXT..., else the user's
// entry in pool_passwd. An entry that is only a hash cannot be used to log in here, and gives no password.
func password(user, setting string, pw *passwd.File, key *passwd.Key) string {
	if setting == "" {
		secret, _ := pw.Lookup(user)
		clear, _ := secret.Clear()
		return clear
	}
	if !strings.HasPrefix(setting, "AES") && !strings.HasPrefix(setting, "TEXT") {
		return setting
	}
	escaped := strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(setting)
	one, err := passwd.Parse("the setting", []byte("u:"+escaped), key)
	if err != nil {
		return setting
	}
	secret, _ := one.Lookup("u")
	clear, _ := secret.Clear()
	return clear
}

// backendTLS gives each server its own name to verify.
func backendTLS(t *tls.Config, host string) *tls.Config {
	if t == nil || isFolder(host) {
		return nil
	}
	t = t.Clone()
	if t.ServerName == "" {
		t.ServerName = host
	}
	return t
}
