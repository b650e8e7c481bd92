package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// Hands do what needs a login to a server. Programs does it by pgcrew's other tools.
type Hands interface {
	// Recruit cuts a standby off, and starts one that has fallen. It returns what Release needs, also together with an error, unless
	// it was cut off already, and where its WAL ends.
	Recruit(ctx context.Context, backend int) (upstream json.RawMessage, timeline uint32, end uint64, err error)
	// Release gives a recruited standby its upstream back.
	Release(ctx context.Context, backend int, upstream json.RawMessage) error
	// Promote returns when the backend takes writes.
	Promote(ctx context.Context, backend int, epoch uint64) error
	// Follow makes the backend a standby of another one. upstream is what it followed before, or nil.
	Follow(ctx context.Context, backend, to int, upstream json.RawMessage) error
	// Start starts a server that does not run, as it was started before.
	Start(ctx context.Context, backend int) error
	// Recover makes the backend of an order a standby by whatever it takes, and tells how far it is. An error that is a Refusal
	// says that nothing was touched.
	Recover(ctx context.Context, o report.Order, tell func(Progress)) error
}

// A Progress is how far a recovery is. Members without a value say nothing new.
type Progress struct {
	Step         string
	Method       string
	Bytes, Total int64
	Percent      float64
	Discarded    report.Discarded
}

// A Refusal is an error before anything was touched.
type Refusal struct{ Err error }

// Error implements error.
func (r Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the error.
func (r Refusal) Unwrap() error { return r.Err }

// How long the parts of an order may take.
const (
	stopLimit    = 30 * time.Second // in order; then it is stopped at once
	fenceLimit   = 200 * time.Millisecond
	recruitLimit = 10 * time.Second
	promoteLimit = 60 * time.Second
	followLimit  = 5 * time.Minute
)

// carryOut does what is missing for one order.
func (w *worker) carryOut(ctx context.Context, o report.Order) error {
	if err := w.promise(o); err != nil {
		return err
	}
	w.a.Log.Info("an order is carried out", "op", string(o.Op), "backend", o.Backend, "epoch", o.Epoch)
	switch o.Op {
	case report.DoFence:
		return w.fence(ctx, o, postmaster.Immediate, fenceLimit)
	case report.DoStop:
		return w.fence(ctx, o, postmaster.Fast, stopLimit)
	case report.DoRecruit:
		return w.recruit(ctx, o)
	case report.DoPromote:
		ctx, cancel := context.WithTimeout(ctx, promoteLimit)
		defer cancel()
		if err := w.a.Hands.Promote(ctx, w.id, o.Epoch); err != nil {
			return err
		}
		return w.remember(func(m *memory) { m.Promoted, m.Fenced = o.Epoch, 0 })
	case report.DoFollow:
		return w.follow(ctx, o)
	case report.DoStart:
		if err := w.a.Hands.Start(ctx, w.id); err != nil {
			return err
		}
		return w.remember(func(m *memory) { m.Fenced = 0 })
	}
	return fmt.Errorf("an order %q is not known here: this pgwatch is older than the leader's", o.Op)
}

// fence ends the server and whatever it may have left behind.
func (w *worker) fence(ctx context.Context, o report.Order, mode postmaster.Mode, patience time.Duration) error {
	if w.srv == nil {
		return errors.New("the server is on another host, where no pgwatch runs")
	}
	if err := w.srv.Stop(ctx, mode, patience); err != nil {
		return err
	}
	// The watcher sees it as well, but the answer must not wait for it.
	st := w.srv.Look()
	if st.Postmaster != report.Dead {
		return fmt.Errorf("after the stop the server is %q (%s)", st.Postmaster, st.Why)
	}
	if err := w.remember(func(m *memory) { m.Fenced = o.Epoch }); err != nil {
		return err
	}
	w.seen(st)
	return nil
}

func (w *worker) recruit(ctx context.Context, o report.Order) error {
	ctx, cancel := context.WithTimeout(ctx, recruitLimit)
	defer cancel()
	upstream, timeline, end, failed := w.a.Hands.Recruit(ctx, w.id)
	err := w.remember(func(m *memory) {
		if len(upstream) > 0 {
			m.Upstream = upstream
		}
		if failed == nil {
			m.Recruited = o.Epoch
		}
	})
	if err = errors.Join(failed, err); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = position{timeline, end}
	return nil
}

func (w *worker) follow(ctx context.Context, o report.Order) error {
	ctx, cancel := context.WithTimeout(ctx, followLimit)
	defer cancel()
	w.mu.Lock()
	upstream := w.mem.Upstream
	w.mu.Unlock()
	if err := w.a.Hands.Follow(ctx, w.id, o.To, upstream); err != nil {
		return err
	}
	return w.remember(func(m *memory) { m.Follows, m.Fenced, m.Upstream = o.Epoch, 0, nil })
}
