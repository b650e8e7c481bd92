package main

import (
	"sync"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/pgcrew/pgcrew/common/clilog"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
	"github.com/pgcrew/pgcrew/pgrouter/internal/proxy"
)

// reloader reads the files again, at SIGHUP and when the control socket asks for it.
type reloader struct {
	tool   *tool.Tool
	router *proxy.Router
	nodes  *cluster.Standalone

	mu     sync.Mutex // one at a time
	config *config.Config
}

// reload puts the files in force. A mistake anywhere leaves the old ones in force, and is the error.
func (l *reloader) reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	daemon.SdNotify(false, daemon.SdNotifyReloading)
	defer daemon.SdNotify(false, daemon.SdNotifyReady)
	log := l.tool.Log
	f, err := read(l.tool)
	if err != nil {
		clilog.NotReloaded(log, err)
		return err
	}
	restart := config.Restart(config.Router, l.config, f.config)
	f.config.KeepServers(l.config)
	if err := l.nodes.Reload(f.config, f.passwords); err != nil {
		log.Error("not reloaded, the old configuration stays in force", "err", err)
		return err
	}
	warn(l.tool, f)
	clilog.NeedRestart(log, restart)
	l.router.Reload(f.settings)
	l.config = f.config
	log.Info("reloaded", "config", f.config.Path())
	return nil
}
