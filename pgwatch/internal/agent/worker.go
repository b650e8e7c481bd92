package agent

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// lookEvery is how often a server that does not run is looked at. The end of one that runs is told at once.
const lookEvery = 200 * time.Millisecond

// A worker serves one backend.
type worker struct {
	a     *Agent
	id    int
	srv   *postmaster.Server // nil: on another host
	far   bool
	store store
	wake  chan struct{}
	turn  chan struct{} // holds a token while something is done to the server
	stop  func()        // ends it; nil before it runs

	mu     sync.Mutex
	mem    memory
	state  postmaster.State
	ran    bool // it was seen to run
	end    position
	orders []report.Order // for this backend, that stand
	failed report.Order   // the newest that did not work
	err    string
}

// position is where the WAL of a server that does not run, or does not receive, ends.
type position struct {
	timeline uint32
	lsn      uint64
}

func newWorker(a *Agent, b Backend) (*worker, error) {
	w := &worker{a: a, id: b.ID, srv: b.Server, far: b.Far, store: newStore(a.Dir, b.ID), wake: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
	w.state.Postmaster = report.Unknown
	if w.srv != nil {
		w.state = w.srv.Look()
	}
	var err error
	w.mem, err = w.store.read()
	return w, err
}

// sameServer tells whether two backends have the same data.
func sameServer(a, b *postmaster.Server) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Data() == b.Data()
}

func (w *worker) obey(orders []report.Order) {
	mine := slices.DeleteFunc(slices.Clone(orders), func(o report.Order) bool {
		return o.Backend != w.id || o.Op == report.DoHook || o.Op == report.DoRecover
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.EqualFunc(w.orders, mine, func(a, b report.Order) bool { return a.Op == b.Op && a.Epoch == b.Epoch && a.To == b.To }) {
		return
	}
	w.orders = mine
	ring(w.wake)
}

// local is what the leader is told.
func (w *worker) local() report.Local {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := report.Local{ID: w.id, Postmaster: w.state.Postmaster, Stopped: w.state.Stopped, Standby: w.state.Standby, Ran: w.ran, Promised: w.mem.Promised,
		Recruited: w.mem.Recruited, Promoted: w.mem.Promoted, Follows: w.mem.Follows, Timeline: w.end.timeline, End: w.end.lsn, Err: w.err}
	if w.err != "" {
		l.ErrOrder = string(w.failed.Op)
	}
	// A fence holds while nothing of the server runs; started by somebody else it is none.
	if w.state.Postmaster == report.Dead {
		l.Fenced = w.mem.Fenced
	}
	return l
}

// run watches the server and carries out orders.
func (w *worker) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	if w.srv != nil {
		wg.Go(func() { w.srv.Watch(ctx, lookEvery, w.seen) })
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		for ctx.Err() == nil {
			o, ok, err := w.one(ctx)
			if !ok || ctx.Err() != nil {
				break
			}
			if err != nil {
				w.a.Log.Warn("an order did not work", "op", string(o.Op), "backend", o.Backend, "epoch", o.Epoch, "err", err)
				w.note(o, err.Error())
				w.rest(ctx)
				continue
			}
			w.note(o, "")
		}
	}
}

// one carries out the first order that is not met, when nobody else does anything to the server. ok is false when there is
// none.
func (w *worker) one(ctx context.Context) (o report.Order, ok bool, err error) {
	err = w.alone(ctx, func() error {
		if o, ok = w.next(); !ok {
			return nil
		}
		return w.carryOut(ctx, o)
	})
	return o, ok, err
}

// alone calls f while nobody else does anything to the server.
func (w *worker) alone(ctx context.Context, f func() error) error {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
		return f()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// rest waits before an order is tried again, or until there are others.
func (w *worker) rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-time.After(retry):
	}
}

// seen takes a new state of the server.
func (w *worker) seen(st postmaster.State) {
	w.mu.Lock()
	w.state, w.ran = st, w.ran || st.Postmaster == report.Runs
	if st.Postmaster == report.Dead {
		if c, err := w.srv.Control(); err == nil && c.Stopped {
			// The record of the shutdown begins there and holds nothing of a user.
			w.end = position{c.Timeline, c.Checkpoint + 1}
		}
	}
	w.mu.Unlock()
	w.a.Log.Info("a server of this host", "backend", w.id, "postmaster", string(st.Postmaster), "why", st.Why)
	w.a.Changed()
	ring(w.wake) // an order may be unmet again
}

func (w *worker) note(o report.Order, err string) {
	w.mu.Lock()
	w.failed, w.err = o, err
	w.mu.Unlock()
	w.a.Changed()
}

// next is the first order that is not met.
func (w *worker) next() (report.Order, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.orders {
		if !w.met(o) {
			return o, true
		}
	}
	return report.Order{}, false
}

// met tells whether what an order wants is so.
func (w *worker) met(o report.Order) bool {
	switch o.Op {
	case report.DoFence, report.DoStop:
		return w.mem.Fenced >= o.Epoch && w.state.Postmaster == report.Dead
	case report.DoRecruit:
		return w.mem.Recruited == o.Epoch && w.state.Postmaster != report.Dead // a standby that has fallen since is started
	case report.DoPromote:
		return w.mem.Promoted == o.Epoch
	case report.DoFollow:
		return w.mem.Follows == o.Epoch
	case report.DoStart:
		return w.state.Postmaster == report.Runs
	}
	return true
}

// promise refuses an epoch that is over, and keeps a newer one before anything is done in its name.
func (w *worker) promise(o report.Order) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case o.Epoch < w.mem.Promised:
		return fmt.Errorf("epoch %d is over: epoch %d was promised", o.Epoch, w.mem.Promised)
	case o.Epoch == w.mem.Promised:
		return nil
	}
	m := w.mem
	m.Promised = o.Epoch
	if err := w.store.write(m); err != nil {
		return fmt.Errorf("promise epoch %d: %w", o.Epoch, err)
	}
	w.mem = m
	return nil
}

// remember keeps what was done.
func (w *worker) remember(change func(*memory)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.mem
	change(&m)
	if err := w.store.write(m); err != nil {
		return err
	}
	w.mem = m
	return nil
}
