package health

import (
	"crypto/tls"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/probe"
)

// The longest times that are used, whatever the configuration allows: in a file of Pgpool-II's they are upper bounds.
const (
	longestPeriod = 500 * time.Millisecond // between two looks over the session
	longestKnock  = time.Second            // between two tries to reach the server anew
	longestRenew  = 10 * time.Second       // between two logins
	longestDial   = 2 * time.Second        // a lost first packet is repeated by the kernel after one
	longestAnswer = 5 * time.Second        // the connection may be dead while the server is not: then another is better
	longestRetry  = 250 * time.Millisecond // between two tries at a server that does not let us in now
)

// Settings is how one backend is asked.
type Settings struct {
	ID               int
	Network, Address string
	Login            probe.Login // without a user, nobody logs in: it only matters whether somebody answers

	Period time.Duration // between two looks, and how long an answer may take until it counts as missing
	Knock  time.Duration // between two tries to reach the server anew
	Renew  time.Duration // between two logins
	Retry  time.Duration // between two tries at a server that does not let us in now
}

// NewSettings takes the settings of a backend from the configuration: the role and the position are asked as
// sr_check_user, or as health_check_user when there is none.
func NewSettings(c *config.Config, b config.Backend, pw *passwd.File, key *passwd.Key, t *tls.Config) Settings {
	check, login := probe.Logins(c, b, pw, key, t)
	login.Application = "pgwatch"
	login.Dial = atMost(longestDial, login.Dial)
	login.Limit = atMost(longestAnswer, check.Limit)
	period := c.DurationAt("health_check_period", b.ID)
	s := Settings{ID: b.ID, Login: login,
		Period: atMost(longestPeriod, period),
		Knock:  atMost(longestKnock, period),
		Renew:  atMost(longestRenew, period),
		Retry:  atMost(longestRetry, c.DurationAt("health_check_retry_delay", b.ID)),
	}
	s.Network, s.Address = probe.Address(b.Host, b.Port)
	return s
}

// atMost is what the configuration says, if that is shorter; 0 says nothing.
func atMost(longest, configured time.Duration) time.Duration {
	if configured > 0 {
		return min(longest, configured)
	}
	return longest
}
