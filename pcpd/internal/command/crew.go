package command

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/pgcrew/pgcrew/pcpd/internal/crew"
	"github.com/pgcrew/pgcrew/pcpd/internal/frame"
)

// watchdogInfo answers in JSON, for all nodes, for the one that is asked (0) or for the k-th of the others.
func watchdogInfo(r *request) ([]byte, error) {
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	w, enabled, err := r.crew.Watchdog(r.ctx)
	switch {
	case err != nil:
		return nil, err
	case !enabled:
		return nil, refuse(r.failure, "watchdog is not enabled")
	}
	if text != allNodes {
		i, err := strconv.Atoi(text)
		if err != nil || i < 0 || i >= len(w.WatchdogNodes) {
			return nil, refuse(r.failure, "invalid watchdog node ID : %s; 0 is the node that is asked, and there are %d others", text, len(w.WatchdogNodes)-1)
		}
		w.WatchdogNodes, w.NodeCount = w.WatchdogNodes[i:i+1], 1
	}
	if r.layout() == v48 {
		for i := range w.WatchdogNodes {
			w.WatchdogNodes[i].LifecheckStarted = 1
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(w); err != nil {
		return nil, err
	}
	return reply('w', string(bytes.TrimSpace(out.Bytes()))), nil
}

// modes are how the crew may stop.
var modes = map[string]string{string(frame.SmartStop): "smart", string(frame.FastStop): "fast", string(frame.ImmediateStop): "immediate"}

// stop ends pcpd too, when the answer is out.
func stop(r *request) ([]byte, error) {
	mode, ok := modes[string(r.payload)]
	if !ok {
		return nil, refuse(r.failure, "invalid shutdown mode %q: it is s, f or i", r.payload)
	}
	scope := crew.Local
	if r.kind == frame.StopCluster {
		scope = crew.Cluster
	}
	if err := r.crew.Stop(r.ctx, mode, scope); err != nil && r.ctx.Err() == nil {
		return nil, err // when pcpd ends meanwhile, that is what was asked for
	}
	r.then = r.own.Stop
	return reply('t'), nil
}

// scope reads a request that is one byte.
func (r *request) scope() (crew.Scope, error) {
	switch string(r.payload) {
	case string(frame.ScopeLocal):
		return crew.Local, nil
	case string(frame.ScopeCluster):
		return crew.Cluster, nil
	}
	return "", refuse(r.failure, "invalid command scope %q: it is l or c", r.payload)
}

// reload begins with pcpd's own files: when they are wrong, so are those of the others, and nobody is told to read them.
func reload(r *request) ([]byte, error) {
	scope, err := r.scope()
	if err != nil {
		return nil, err
	}
	if err := r.own.Reload(); err != nil {
		return nil, err
	}
	return reply('z'), r.crew.Reload(r.ctx, scope)
}

func rotate(r *request) ([]byte, error) {
	scope, err := r.scope()
	if err != nil {
		return nil, err
	}
	return reply('v'), r.crew.Rotate(r.ctx, scope)
}

func invalidateCache(r *request) ([]byte, error) {
	err := r.crew.FlushCache(r.ctx)
	if err != nil {
		if msg, _ := crew.Said(err); msg == "the query cache is off" {
			return nil, &refusal{Severity: frame.Error, Message: "query cache is not enabled"}
		}
	}
	return reply('g'), err
}
