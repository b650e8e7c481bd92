package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgwatch/internal/node"
)

// runCmd watches.
type runCmd struct{ identity }

// Run watches until ctx ends. Standard output carries events.
func (cmd runCmd) Run(ctx context.Context, t *tool.Tool) error {
	s, warnings, err := cmd.read(ctx, t)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		t.Log.Warn(w)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	o := node.Options{Log: t.Log, Version: tool.Version(), Bin: filepath.Dir(program)}
	if out, ok := t.Out.(*os.File); ok {
		o.Events = out
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	o.Hangup = hangup
	// Whoever reads the events may go; the cluster is watched all the same.
	signal.Ignore(syscall.SIGPIPE)
	o.Reload = func() (*node.Settings, error) {
		s, warnings, err := cmd.read(ctx, t)
		for _, w := range warnings {
			t.Log.Warn(w)
		}
		return s, err
	}
	o.Ready = func() { daemon.SdNotify(false, daemon.SdNotifyReady) }
	return node.Run(ctx, s, o)
}
