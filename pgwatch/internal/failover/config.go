package failover

import (
	"time"

	"github.com/pgcrew/pgcrew/common/config"
)

// FromConfig returns the Policy that a pgpool.conf asks for. Its times are upper bounds: what takes Pgpool-II so long
// may be done sooner here, never later.
func FromConfig(c *config.Config) *Policy {
	p := Default()
	p.ShutdownFails = c.Bool("failover_on_backend_shutdown")
	p.AnyReport = !c.Bool("failover_require_consensus")
	p.DetachFalse = c.Bool("detach_false_primary")
	p.AutoFailback = c.Bool("auto_failback")
	p.AutoRecover = c.Bool("auto_recover")
	p.RecoverScript = c.String("recovery_1st_stage_command") != ""
	p.FailbackPause = c.Duration("auto_failback_interval")
	p.SearchPrimary = c.Duration("search_primary_node_timeout")
	p.MaxLag = uint64(c.Bytes("failover_max_lag"))
	p.FailoverHook = c.String("failover_command") != ""
	p.FailbackHook = c.String("failback_command") != ""
	p.FollowHook = c.String("follow_primary_command") != ""
	for _, b := range c.Backends() {
		period := c.DurationAt("health_check_period", b.ID)
		retries := c.IntAt("health_check_max_retries", b.ID)
		r := Rules{AlwaysPrimary: b.Flags.AlwaysPrimary, Retries: retries, Data: b.DataDirectory, Name: b.ApplicationName}
		// Without health checks, Pgpool-II gives a server up when a client trips over it, and without that never.
		r.NoFailover = !b.Flags.AllowToFailover || period == 0 && !c.Bool("failover_on_backend_error")
		if period > 0 {
			r.Upper = period + time.Duration(retries)*c.DurationAt("health_check_retry_delay", b.ID)
		}
		p.Backends[b.ID] = r
	}
	return p
}
