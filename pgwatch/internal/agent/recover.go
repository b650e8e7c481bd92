package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A recovery is one run of Hands.Recover. Its report stays when it has ended, so that every leader may learn how.
type recovery struct {
	told report.Recovery
	end  context.CancelCauseFunc
}

// errFailover ends a recovery: its primary may not be one any more.
var errFailover = errors.New("a failover began: ask for the recovery again when it has ended")

// errGivenUp ends a recovery that the leader has lost sight of, and has said so.
var errGivenUp = errors.New("the leader gave it up, because this node or the server's host seemed to be lost")

// Recoveries are those that run here, and the newest that ended of each backend.
func (a *Agent) Recoveries() []report.Recovery {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []report.Recovery
	for _, r := range a.recoveries {
		list = append(list, r.told)
	}
	slices.SortFunc(list, func(x, y report.Recovery) int { return x.Backend - y.Backend })
	return list
}

// runRecoveries begins what is ordered, one recovery for each backend at a time.
func (a *Agent) runRecoveries(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.rewake:
		}
		for o, ok := a.next(report.DoRecover); ok; o, ok = a.next(report.DoRecover) {
			life, end := context.WithCancelCause(ctx)
			r := &recovery{end: end, told: report.Recovery{ID: o.ID, Backend: o.Backend, To: o.To, Epoch: o.Epoch, Since: o.Since, By: o.By, Method: o.Method, Step: "wait"}}
			a.mu.Lock()
			a.recoveries[o.Backend] = r
			a.mu.Unlock()
			a.Changed()
			wg.Go(func() {
				defer end(nil)
				a.recover(life, o, r)
			})
		}
	}
}

// recover runs one to its end and tells how it goes.
func (a *Agent) recover(ctx context.Context, o report.Order, r *recovery) {
	a.Log.Info("a recovery begins", "backend", o.Backend, "from", o.To, "method", o.Method, "by", o.By)
	err := a.workers.of(o.Backend).recover(ctx, o, func(p Progress) { a.tell(r, p) })
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	a.mu.Lock()
	r.told.Done = true
	if err != nil {
		r.told.Err = err.Error()
		_, r.told.Refused = errors.AsType[Refusal](err)
	}
	a.mu.Unlock()
	a.Changed()
	if err != nil {
		a.Log.Warn("a recovery failed", "backend", o.Backend, "err", err)
		return
	}
	a.Log.Info("a recovery is done", "backend", o.Backend)
}

// tell notes how far a recovery is.
func (a *Agent) tell(r *recovery, p Progress) {
	a.mu.Lock()
	if p.Step != "" {
		r.told.Step = p.Step
	}
	if p.Method != "" {
		r.told.Method = p.Method
	}
	if p.Bytes > 0 || p.Total > 0 {
		r.told.Bytes, r.told.Total, r.told.Percent = p.Bytes, p.Total, p.Percent
	}
	if p.Discarded != (report.Discarded{}) {
		r.told.Discarded = p.Discarded
	}
	a.mu.Unlock()
	if d := p.Discarded; d != (report.Discarded{}) {
		a.Log.Warn("a recovery discards WAL that no other server has; it was saved", "backend", r.told.Backend, "bytes", d.Bytes, "from", d.From, "to", d.To, "saved", d.Saved)
	}
	a.Changed()
}

// recover makes the server a standby while nothing else is done to it.
func (w *worker) recover(ctx context.Context, o report.Order, tell func(Progress)) error {
	if w == nil {
		return Refusal{fmt.Errorf("backend %d is not in the configuration of this node", o.Backend)}
	}
	return w.alone(ctx, func() error {
		if err := w.promise(o); err != nil {
			return Refusal{err}
		}
		if err := w.a.Hands.Recover(ctx, o, tell); err != nil {
			return err
		}
		err := w.remember(func(m *memory) { m.Follows, m.Fenced, m.Upstream = o.Epoch, 0, nil })
		w.note(o, "")
		return err
	})
}
