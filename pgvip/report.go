package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/common/tool"
)

const (
	reportsWaiting = 64              // for a slow reader; more are dropped
	reportLimit    = time.Second     // for pgwatch to take one
	reportEnd      = 2 * time.Second // for the last ones, at the end
)

// A reporter writes what was done to standard output, and tells pgwatch when its socket is followed. It has a goroutine of its
// own, so that a reader that takes nothing does not keep an address up or down.
type reporter struct {
	config *config.Config
	boot   string
	socket bool
	tool   *tool.Tool
	log    *slog.Logger

	queue  chan func()
	end    context.CancelFunc
	ctx    context.Context
	wait   sync.WaitGroup
	out    *event.Writer // made with the first event, when it is known who we are
	broken bool
}

func newReporter(t *tool.Tool, c *config.Config, boot string, socket bool) *reporter {
	r := &reporter{config: c, boot: boot, socket: socket, tool: t, log: t.Log, queue: make(chan func(), reportsWaiting)}
	r.ctx, r.end = context.WithCancel(context.Background())
	r.wait.Go(func() {
		for f := range r.queue {
			f()
		}
	})
	return r
}

// report queues an event.
func (r *reporter) report(d event.Payload, cluster, node string) {
	select {
	case r.queue <- func() { r.write(d, cluster, node) }:
	default:
		r.log.Warn("a report is dropped: nobody reads them", "type", d.EventType())
	}
}

// close waits a moment until all is written. A reader that takes nothing is left.
func (r *reporter) close() {
	close(r.queue)
	done := make(chan struct{})
	go func() { r.wait.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(reportEnd):
	}
	r.end()
}

func (r *reporter) write(d event.Payload, cluster, node string) {
	if r.out == nil {
		r.out = event.NewWriter(r, event.Origin{Cluster: cluster, Node: node, Boot: r.boot}, event.SystemClock)
	}
	if err := r.out.Write(d, event.At{}); err != nil {
		r.log.Error("a report cannot be written", "err", err)
	}
	switch e := d.(type) {
	case event.VIPUp:
		daemon.SdNotify(false, "STATUS="+e.Addr+" is held")
	case event.VIPDown:
		daemon.SdNotify(false, "STATUS="+e.Addr+" is not held: "+e.Reason+e.Err)
	}
}

// Write takes one line of the event.Writer. It never fails: when standard output is gone pgwatch may still listen.
func (r *reporter) Write(line []byte) (int, error) {
	if !r.broken {
		if _, err := r.tool.Out.Write(line); err != nil {
			r.broken = true
			r.log.Warn("reports can no longer be written to standard output", "err", err)
		}
	}
	if r.socket {
		r.tell(line)
	}
	return len(line), nil
}

// tell passes a line on to pgwatch. One that runs without that operation, or not at all, has its own eyes.
func (r *reporter) tell(line []byte) {
	ctx, cancel := context.WithTimeout(r.ctx, reportLimit)
	defer cancel()
	err := tool.Ask(ctx, r.config, watchSocket, "report", json.RawMessage(line), nil)
	if refused, ok := errors.AsType[*control.Error](err); ok && refused.Code != control.CodeUnknownOp {
		r.log.Warn("pgwatch does not take a report", "err", err)
	} else if err != nil {
		r.log.Debug("pgwatch does not hear a report", "err", err)
	}
}
