package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
	"github.com/pgcrew/pgcrew/pgrouter/internal/proxy"
)

// release is the version that a packager may set with -ldflags -X.
var release string

// version is the release, or what the build information says.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// runCmd serves clients.
type runCmd struct {
	CPUProfile string `name:"cpu-profile" help:"Write a CPU profile of the run to FILE, for go tool pprof." placeholder:"FILE"`
}

// Run serves until ctx ends, and then until transactions have ended or shutdown_timeout has passed.
func (cmd runCmd) Run(ctx context.Context, d *deps) error {
	if cmd.CPUProfile != "" {
		stop, err := profile(cmd.CPUProfile)
		if err != nil {
			return err
		}
		defer stop()
	}
	f, err := d.read()
	if err != nil {
		return err
	}
	d.warn(f)
	listeners, err := listen(f.config, f.group)
	if err != nil {
		return err
	}
	nodes := cluster.NewStandalone(f.config, f.passwords, cluster.Options{Log: d.log, BackendTLS: f.backend, Key: f.key, Watcher: watcher(f.config)})
	r, err := proxy.New(f.settings, nodes, version(), d.log)
	if err != nil {
		return err
	}
	// What runs beside the router ends after it, so that sessions that drain still see the cluster.
	beside, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := nodes.Run(beside); err != nil && beside.Err() == nil {
			d.log.Error("the cluster is no longer watched", "err", err)
		}
	})
	defer func() { stop(); wg.Wait() }()
	// Sessions that come at once shall find the servers looked at; when that takes too long they wait themselves.
	ready, cancel := context.WithTimeout(ctx, 5*time.Second)
	nodes.Ready(ready)
	cancel()
	control, err := serveControl(beside, f.config, r, d.log)
	if err != nil {
		d.log.Warn("pgrouter status will not work", "err", err)
	} else {
		defer control.Close()
	}
	wg.Go(func() { d.reloads(beside, r, nodes, f.config) })

	daemon.SdNotify(false, daemon.SdNotifyReady)
	d.log.Info("pgrouter serves", "version", version(), "listen", addresses(listeners), "config", f.config.Path())
	go func() {
		<-ctx.Done()
		daemon.SdNotify(false, daemon.SdNotifyStopping)
	}()
	err = r.Serve(ctx, listeners)
	d.log.Info("pgrouter has stopped")
	return err
}

// profile writes a CPU profile until stop is called.
func profile(name string) (stop func(), err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

func (d *deps) warn(f *files) {
	for _, w := range f.warnings {
		d.log.Warn(w)
	}
}

// reloads reads the files again at SIGHUP. A mistake anywhere leaves the old ones in force.
func (d *deps) reloads(ctx context.Context, r *proxy.Router, nodes *cluster.Standalone, old *config.Config) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		daemon.SdNotify(false, daemon.SdNotifyReloading)
		f, err := d.read()
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				d.log.Error("a file is wrong", "problem", strings.TrimSuffix(line, "\n"))
			}
			d.log.Error("not reloaded, the old configuration stays in force")
		} else {
			d.warn(f)
			if names := config.Restart(old, f.config); len(names) > 0 {
				d.log.Warn("some changed parameters need a restart", "parameters", strings.Join(names, ", "))
			}
			r.Reload(f.settings)
			nodes.Reload(f.config, f.passwords)
			old = f.config
			d.log.Info("reloaded", "config", f.config.Path())
		}
		daemon.SdNotify(false, daemon.SdNotifyReady)
	}
}

var errNoListener = errors.New("nothing to listen on: listen_addresses is empty and unix_socket_directories too")

// watchSocket is the file name of pgwatch's control socket.
const watchSocket = "pgwatch.sock"

// watcher reaches the pgwatch of this host. With use_watchdog it decides who takes writes; without, it is only heard when it
// is there, for what operators tell it.
func watcher(c *config.Config) *cluster.Watcher {
	return cluster.NewWatcher(c.Bool("use_watchdog"), func(f func(path string) error) error { return tool.Find(c, watchSocket, f) })
}
