package cluster

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/event"
)

// Watcher is how a router reaches the pgwatch of its host.
type Watcher struct {
	Gate   bool                                                  // writes need a lease of it
	Follow func(ctx context.Context) (io.ReadCloser, error)      // opens the stream of events
	Report func(ctx context.Context, node int, why string) error // tells of an error of a server
}

// NewWatcher reaches the pgwatch behind the socket that find names.
func NewWatcher(gate bool, find func(func(path string) error) error) *Watcher {
	return &Watcher{
		Gate: gate,
		Follow: func(ctx context.Context) (stream io.ReadCloser, err error) {
			err = find(func(path string) (err error) {
				stream, err = control.Follow(ctx, path, "follow", map[string][]string{"types": {"hello", "snapshot", "resync", "tick", "primary", "backend"}})
				return err
			})
			return stream, err
		},
		Report: func(ctx context.Context, node int, why string) error {
			return find(func(path string) error {
				return control.Call(ctx, path, "backend.error", map[string]any{"node": node, "err": why}, nil)
			})
		},
	}
}

// The pause before the stream is opened anew: a router that needs pgwatch for its writes asks often, one that would only
// know more by it does not spend its processor on that.
const (
	again     = 100 * time.Millisecond
	sometimes = time.Second
)

// run follows pgwatch until ctx ends.
func (w *Watcher) run(ctx context.Context, log *slog.Logger, tell func(change)) {
	said, level, pause := "", slog.LevelInfo, sometimes
	if w.Gate {
		level, pause = slog.LevelWarn, again // nothing can be written before it is
	}
	for ctx.Err() == nil {
		err := w.stream(ctx, tell)
		tell(change{id: -1, apply: func(s *state) { s.guide.lost() }})
		if why := fmt.Sprint(err); ctx.Err() == nil && why != said {
			said = why
			log.Log(ctx, level, "pgwatch is not heard", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// stream follows one connection to its end.
func (w *Watcher) stream(ctx context.Context, tell func(change)) error {
	c, err := w.Follow(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	boot, err := event.BootID()
	if err != nil {
		return err
	}
	in := event.NewReader(c)
	for {
		e, err := in.Next()
		if err != nil {
			return err
		}
		if in.Gap() && e.Type != event.TypeResync {
			return fmt.Errorf("line %d: lines are missing before it", in.Line())
		}
		now, _ := event.SystemClock()
		age, ok := e.Age(boot, now)
		if !ok {
			return fmt.Errorf("line %d: it was made on another host, or before a reboot", in.Line())
		}
		bad := make(chan error, 1)
		tell(change{id: -1, guided: e.Type == event.TypePrimary || e.Type == event.TypeSnapshot, apply: func(s *state) { bad <- s.guide.take(e, age, now) }})
		select {
		case err := <-bad:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// mishap is an error that a session or a dialer met.
type mishap struct {
	node int
	err  error
}

// forward hands reports on, at most a few a second.
func (w *Watcher) forward(ctx context.Context, reports <-chan mishap) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-reports:
			limited, cancel := context.WithTimeout(ctx, time.Second)
			w.Report(limited, r.node, fmt.Sprint(r.err)) // a hint: whoever is not there looks by itself
			cancel()
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}
