package proxy

import (
	"crypto/tls"
	"net"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/hba"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/loop"
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
)

// Files is what the configuration names and others have read.
type Files struct {
	HBA       *hba.File    // nil: enable_pool_hba is off
	Passwords *passwd.File // nil: no pool_passwd
	ClientTLS *tls.Config  // nil: no TLS for clients
	ServerTLS *tls.Config  // nil: no TLS to servers
}

// Settings are the parameters that the router obeys. They are immutable; a reload makes new ones.
type Settings struct {
	Config                        *config.Config
	Classifier                    *route.Classifier
	Catalog                       route.CatalogSettings
	Policy                        *route.Policy
	Balancer                      *route.Balancer
	MaxClients, Reserved, MaxPool int
	Loops                         int
	Cache                         bool
	Resets                        []string
	ChildLife, ConnectionLife     time.Duration
	IdleLimit, LoginTimeout       time.Duration
	FailoverWait, ShutdownTimeout time.Duration
	CatalogLife                   time.Duration
	LoadBalance, StatementLevel   bool
	LogComing, LogLeaving         bool // log_connections, log_disconnections
	ServerTLS                     *tls.Config
	door                          *auth.Door
}

// catalogLife is how long a catalog snapshot serves when relcache_expire does not say, and DDL was not seen.
const catalogLife = time.Minute

// NewSettings takes from a configuration what the router needs.
func NewSettings(c *config.Config, f Files) (*Settings, error) {
	classifier, err := route.FromConfig(c)
	if err != nil {
		return nil, err
	}
	balance, err := route.NewBalancer(c)
	if err != nil {
		return nil, err
	}
	s := &Settings{
		Catalog:         classifier.Catalog,
		Policy:          route.PolicyFromConfig(c),
		Balancer:        balance,
		Config:          c,
		Classifier:      route.NewClassifier(classifier),
		MaxClients:      c.Int("num_init_children"),
		Reserved:        c.Int("reserved_connections"),
		MaxPool:         c.Int("max_pool"),
		Loops:           c.Int("num_loops"),
		Cache:           c.Bool("connection_cache"),
		Resets:          c.List("reset_query_list"),
		ChildLife:       c.Duration("child_life_time"),
		ConnectionLife:  c.Duration("connection_life_time"),
		IdleLimit:       c.Duration("client_idle_limit"),
		LoginTimeout:    c.Duration("authentication_timeout"),
		FailoverWait:    c.Duration("failover_wait"),
		ShutdownTimeout: c.Duration("shutdown_timeout"),
		CatalogLife:     c.Duration("relcache_expire"),
		LoadBalance:     c.Bool("load_balance_mode"),
		StatementLevel:  c.Bool("statement_level_load_balance"),
		LogComing:       c.Bool("log_connections"),
		LogLeaving:      c.Bool("log_disconnections"),
		ServerTLS:       f.ServerTLS,
	}
	if s.CatalogLife <= 0 {
		s.CatalogLife = catalogLife
	}
	s.door = &auth.Door{
		HBA:        f.HBA,
		Passwords:  f.Passwords,
		AllowClear: c.Bool("allow_clear_text_frontend_auth"),
		TLS:        f.ClientTLS,
		WrapTLS:    func(nc net.Conn) net.Conn { return loop.NewShim(nc) },
	}
	return s, nil
}

// ConnectTimeout is connect_timeout of a node.
func (s *Settings) ConnectTimeout(node int) time.Duration {
	return s.Config.DurationAt("connect_timeout", node)
}
