package main

import (
	"context"
	"errors"
	"os"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/sockets"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
	"github.com/pgcrew/pgcrew/pgrouter/internal/proxy"
)

// runCmd serves clients.
type runCmd struct {
	CPUProfile string `name:"cpu-profile" help:"Write a CPU profile of the run to FILE, for go tool pprof." placeholder:"FILE"`
}

// Run serves until ctx ends, and then until transactions have ended or shutdown_timeout has passed.
func (cmd runCmd) Run(ctx context.Context, t *tool.Tool) error {
	if cmd.CPUProfile != "" {
		stop, err := profile(cmd.CPUProfile)
		if err != nil {
			return err
		}
		defer stop()
	}
	f, err := read(t)
	if err != nil {
		return err
	}
	warn(t, f)
	listeners, err := listen(f.config, f.group)
	if err != nil {
		return err
	}
	nodes := cluster.NewStandalone(f.config, f.passwords, cluster.Options{Log: t.Log, BackendTLS: f.backend, Key: f.key, Watcher: watcher(f.config)})
	r, err := proxy.New(f.settings, nodes, tool.Version(), t.Log)
	if err != nil {
		return err
	}
	// What runs beside the router ends after it, so that sessions that drain still see the cluster.
	beside, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := nodes.Run(beside); err != nil && beside.Err() == nil {
			t.Log.Error("the cluster is no longer watched", "err", err)
		}
	})
	defer func() { stop(); wg.Wait() }()
	// Sessions that come at once shall find the servers looked at; when that takes too long they wait themselves.
	ready, cancel := context.WithTimeout(ctx, 5*time.Second)
	nodes.Ready(ready)
	cancel()
	again := &reloader{tool: t, router: r, nodes: nodes, config: f.config}
	control, err := serveControl(beside, t, f.config, operator{router: r, reload: again.reload})
	if err != nil {
		t.Log.Warn("pgrouter status will not work, nor what pcpd asks of pgrouter", "err", err)
	} else {
		defer control.Close()
	}
	tool.OnHangup(beside, &wg, func() { again.reload() }) // what is wrong is in the log

	daemon.SdNotify(false, daemon.SdNotifyReady)
	t.Log.Info("pgrouter serves", "version", tool.Version(), "listen", sockets.List(listeners), "config", f.config.Path())
	go func() {
		<-ctx.Done()
		daemon.SdNotify(false, daemon.SdNotifyStopping)
	}()
	err = r.Serve(ctx, listeners)
	t.Log.Info("pgrouter has stopped")
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

func warn(t *tool.Tool, f *files) {
	for _, w := range f.warnings {
		t.Log.Warn(w)
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
