package node

import (
	"context"
	"os"

	"github.com/pgcrew/pgcrew/common/clilog"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
)

// reloads reads the configuration again at each SIGHUP until ctx ends.
func (n *Node) reloads(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		n.again() // it has said what was wrong
	}
}

// again reads the configuration once more. The error is what is wrong with it; then nothing has changed.
func (n *Node) again() error {
	n.reading.Lock()
	defer n.reading.Unlock()
	e := event.Config{OK: true}
	s, err := n.read()
	if err == nil {
		e.Restart, err = n.reload(s)
	}
	if err != nil {
		clilog.NotReloaded(n.log, err)
		e = event.Config{Err: err.Error()}
	} else {
		n.log.Info("reloaded")
		clilog.NeedRestart(n.log, e.Restart)
	}
	v := n.crew.View()
	n.hub.Publish(e, at(&v))
	return err
}

// reload puts in force what can be while the node runs: the rules of failover, the commands, which servers there are and how
// they are asked. It returns the parameters whose new values wait for a restart, or an error, and then nothing has changed.
func (n *Node) reload(s *Settings) (restart []string, err error) {
	v, old := n.crew.View(), n.latest.Load()
	restart = append(waiting(n.Config, s.Config, config.OnRestart), waiting(old.Config, s.Config, config.OnAdd)...)
	s.keepAddresses(old)
	if list := sameServers(s.Config); list != nil {
		return nil, list
	}
	if err := barred(s.Backends, &v.Map); err != nil {
		return nil, err
	}
	n.planner.policy.Store(failover.FromConfig(s.Config))
	n.latest.Store(s)
	probes, hands := s.watched()
	n.observer.setAll(probes)
	if err := n.observer.agent.Set(hands); err != nil {
		n.log.Error("not all is known of the servers of this host", "err", err)
	}
	n.roster.replace(s.Backends, v.Leading)
	n.roster.settle(&v)
	return restart, nil
}

// waiting are this tool's parameters of a context that have changed and need a restart.
func waiting(old, fresh *config.Config, when config.Context) (names []string) {
	for _, name := range config.Restart(config.Watch, old, fresh) {
		if p, _, ok := config.Lookup(name); ok && p.Context == when {
			names = append(names, name)
		}
	}
	return names
}
