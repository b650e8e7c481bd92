package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/pgcrew/pgcrew/common/clilog"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/sockets"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pcpd/internal/command"
	"github.com/pgcrew/pgcrew/pcpd/internal/door"
	"github.com/pgcrew/pgcrew/pcpd/internal/server"
)

// runCmd serves clients.
type runCmd struct{}

// Run serves until ctx ends, or a client has the crew stop.
func (runCmd) Run(ctx context.Context, t *tool.Tool) error {
	first, warnings, err := read(t)
	warn(t, warnings)
	if err != nil {
		return err
	}
	listeners, err := listen(first)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	force := &inForce{tool: t}
	force.config.Store(first)
	commands := &command.Commands{Config: force.config.Load, Reload: force.reload, Stop: stop, Log: t.Log}
	entrance := door.New(func() string { return users(force.config.Load()) }, door.NewGuard(time.Now), t.Log)
	s := &server.Server{Enter: entrance.Enter, Do: commands.Do, LoginTime: force.loginTime, LogClients: force.logClients, Log: t.Log}

	var wg sync.WaitGroup
	tool.OnHangup(ctx, &wg, func() { force.reload() }) // what is wrong is in the log
	daemon.SdNotify(false, daemon.SdNotifyReady)
	t.Log.Info("pcpd serves", "version", tool.Version(), "listen", sockets.List(listeners), "config", first.Path())
	s.Serve(ctx, listeners)
	daemon.SdNotify(false, daemon.SdNotifyStopping)
	stop()
	wg.Wait()
	t.Log.Info("pcpd has stopped")
	return nil
}

func warn(t *tool.Tool, warnings []string) {
	for _, w := range warnings {
		t.Log.Warn(w)
	}
}

// inForce is the configuration that is obeyed. It is replaced at SIGHUP, and when a client asks for it.
type inForce struct {
	tool   *tool.Tool
	mu     sync.Mutex // one reload at a time
	config atomic.Pointer[config.Config]
}

// reload puts the files in force. A mistake anywhere leaves the old ones in force, and is the error.
func (f *inForce) reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	daemon.SdNotify(false, daemon.SdNotifyReloading)
	defer daemon.SdNotify(false, daemon.SdNotifyReady)
	c, warnings, err := read(f.tool)
	warn(f.tool, warnings)
	if err != nil {
		clilog.NotReloaded(f.tool.Log, err)
		return err
	}
	clilog.NeedRestart(f.tool.Log, config.Restart(config.PCP, f.config.Load(), c))
	f.config.Store(c)
	f.tool.Log.Info("reloaded", "config", c.Path())
	return nil
}

// anyLoginTime stands for an authentication_timeout of 0, no limit: here it would let strangers take all places for ever.
const anyLoginTime = time.Minute

func (f *inForce) loginTime() time.Duration {
	if d := f.config.Load().Duration("authentication_timeout"); d > 0 {
		return d
	}
	return anyLoginTime
}

func (f *inForce) logClients() bool { return f.config.Load().Bool("log_pcp_processes") }
