package node

import (
	"context"
	"strings"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/health"
)

// reloads reads the configuration again at each SIGHUP until ctx ends.
func (n *Node) reloads(ctx context.Context, o Options) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.Hangup:
		}
		e := event.Config{OK: true}
		if s, err := o.Reload(); err != nil {
			for line := range strings.Lines(err.Error()) {
				n.log.Error("a file is wrong", "problem", strings.TrimSuffix(line, "\n"))
			}
			n.log.Error("not reloaded, the old configuration stays in force")
			e = event.Config{Err: err.Error()}
		} else {
			e.Restart = n.reload(s)
			n.log.Info("reloaded")
			if len(e.Restart) > 0 {
				n.log.Warn("these parameters have new values that need a restart", "names", strings.Join(e.Restart, ", "))
			}
		}
		v := n.crew.View()
		n.hub.Publish(e, at(&v))
	}
}

// reload puts in force what can be while the node runs: the rules of failover, the commands, and how servers are asked.
// It returns the parameters whose new values wait for a restart.
func (n *Node) reload(s *Settings) (restart []string) {
	for _, name := range config.Restart(n.Config, s.Config) {
		if p, _, ok := config.Lookup(name); ok && p.Tools&config.Watch != 0 {
			restart = append(restart, name)
		}
	}
	n.planner.policy.Store(failover.FromConfig(s.Config))
	n.fresh.Store(s.Config)
	for _, b := range n.Config.Backends() {
		if !n.Self.Witness {
			n.observer.set(health.NewSettings(s.Config, b, s.Passwords, s.Key, nil))
		}
	}
	return restart
}
