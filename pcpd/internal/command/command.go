// Package command carries out PCP requests: it has the crew asked, and writes replies in Pgpool-II's layouts.
package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pcpd/internal/crew"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// Commands is what requests are carried out with. Its methods may be called from any goroutine.
type Commands struct {
	Config func() *config.Config // the one in force
	Reload func() error          // has pcpd itself read its files again
	Stop   func()                // ends pcpd; it does not wait
	Log    *slog.Logger
}

// A Reply goes back to the client.
type Reply struct {
	Bytes []byte
	Close bool   // the connection ends behind it
	Then  func() // to be called when it is on its way; may be nil
}

// request is one request on its way.
type request struct {
	ctx     context.Context
	crew    crew.Crew
	own     *Commands
	kind    byte
	failure string // the message of errors that have none of their own
	payload []byte
	then    func() // becomes Reply.Then
}

// handler carries a request out and returns the frames of the reply. An error that is no *refusal has no place in PCP and is
// told under the command's own words.
type handler func(*request) ([]byte, error)

// handlers are all there are. words say for the log what was asked, and what failed when nothing better is known; changes
// are worth a line in the log.
var handlers = map[byte]struct {
	do      handler
	words   string
	changes bool
}{
	frame.NodeCount:        {nodeCount, "informing node count", false},
	frame.NodeInfo:         {nodeInfo, "informing node info", false},
	frame.HealthCheckStats: {healthCheckStats, "informing health check stats info", false},
	frame.ProcCount:        {procCount, "informing process count", false},
	frame.ProcInfo:         {procInfo, "informing process info", false},
	frame.WatchdogInfo:     {watchdogInfo, "PCP: informing watchdog info", false},
	frame.PoolStatus:       {poolStatus, "informing pool status", false},
	frame.SetParameter:     {setParameter, "set configuration parameter", false},
	frame.Attach:           {attach, "process attach request", true},
	frame.Detach:           {detach, "process detach request", true},
	frame.DetachGracefully: {detach, "process detach request", true},
	frame.Promote:          {promote, "process promote request", true},
	frame.PromoteGraceful:  {promote, "process promote request", true},
	frame.Recover:          {recovery, "process recovery request", true},
	frame.Stop:             {stop, "process shutdown request", true},
	frame.StopCluster:      {stop, "process shutdown request", true},
	frame.Reload:           {reload, "process reload config request", true},
	frame.Rotate:           {rotate, "process log rotation request", true},
	frame.InvalidateCache:  {invalidateCache, "process invalidate query cache request", true},
}

// Do carries out one request of a user who is logged in. It returns soon after ctx ends; what was asked of the crew may
// still happen then.
func (c *Commands) Do(ctx context.Context, from, user string, f frame.Frame) Reply {
	h, ok := handlers[f.Type]
	if !ok {
		return refused(&refusal{Severity: frame.Error, Message: "unknown PCP request", Detail: fmt.Sprintf("there is no request of type %q", f.Type)})
	}
	r := &request{ctx: ctx, crew: crew.Crew{Config: c.Config()}, own: c, kind: f.Type, failure: h.words + " failed", payload: f.Payload}
	began := time.Now()
	out, err := h.do(r)
	var why *refusal
	if err != nil && !errors.As(err, &why) {
		why = failed(r.failure, err)
	}
	if h.changes || err != nil {
		level, said := slog.LevelInfo, []any{"request", h.words, "user", user, "client", from, "took_ms", time.Since(began)}
		if err != nil {
			level, said = slog.LevelWarn, append(said, "err", why)
		}
		c.Log.Log(ctx, level, "PCP request", said...)
	}
	if err != nil {
		return refused(why)
	}
	return Reply{Bytes: out, Then: r.then}
}

func refused(why *refusal) Reply {
	return Reply{Bytes: frame.AppendProblem(nil, frame.ErrorReply, frame.Problem(*why)), Close: why.Severity == frame.Fatal}
}
