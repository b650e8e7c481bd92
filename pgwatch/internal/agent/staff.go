package agent

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// staff are the workers of an agent, which come and go with the backends of the configuration.
type staff struct {
	mu    sync.Mutex
	list  []*worker     // replaced as a whole
	start func(*worker) // nil unless the agent runs
}

// all are the present ones.
func (s *staff) all() []*worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list
}

// of is the one of a backend, or nil.
func (s *staff) of(backend int) *worker {
	list := s.all()
	if i := slices.IndexFunc(list, func(w *worker) bool { return w.id == backend }); i >= 0 {
		return list[i]
	}
	return nil
}

// replace puts other workers in place, and starts those that are new.
func (s *staff) replace(list []*worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range list {
		if s.start != nil && !slices.Contains(s.list, w) {
			s.start(w)
		}
	}
	s.list = list
}

// work runs the workers until ctx ends and all of them have ended.
func (s *staff) work(ctx context.Context) {
	var wg sync.WaitGroup
	s.mu.Lock()
	s.start = func(w *worker) {
		life, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		w.stop = func() { stop(); <-ended }
		wg.Go(func() { defer close(ended); defer stop(); w.run(life) })
	}
	for _, w := range s.list {
		s.start(w)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.start = nil
	s.mu.Unlock()
	wg.Wait()
}

// errChanged ends what is done to a backend.
var errChanged = errors.New("the configuration of the backend has changed")

// Set replaces the backends. What is being done to one that goes, or whose data are elsewhere now, is broken off first. Of one
// that goes nothing is remembered but what was promised. An error says what could not be read or kept; all else is done.
// It is for one caller at a time.
func (a *Agent) Set(backends []Backend) error {
	named := func(w *worker) int { return slices.IndexFunc(backends, func(b Backend) bool { return b.ID == w.id }) }
	old := a.workers.all()
	list := slices.DeleteFunc(slices.Clone(old), func(w *worker) bool {
		i := named(w)
		return i < 0 || !sameServer(w.srv, backends[i].Server)
	})
	a.workers.replace(list)
	var errs []error
	for _, w := range old {
		if !slices.Contains(list, w) {
			errs = append(errs, a.dismiss(w, named(w) < 0))
		}
	}
	list = slices.Clone(list)
	for _, b := range backends {
		if a.workers.of(b.ID) != nil {
			continue
		}
		w, err := newWorker(a, b)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, w)
	}
	slices.SortFunc(list, func(x, y *worker) int { return x.id - y.id })
	a.workers.replace(list)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range list {
		w.obey(a.wanted)
	}
	return errors.Join(errs...)
}

// dismiss ends a worker and the recovery of its backend, and forgets what is known of that if it goes for good.
func (a *Agent) dismiss(w *worker, forget bool) error {
	a.mu.Lock()
	if r := a.recoveries[w.id]; r != nil {
		r.end(errChanged)
	}
	if forget {
		delete(a.recoveries, w.id)
	}
	a.mu.Unlock()
	if w.stop != nil {
		w.stop()
	}
	if !forget {
		return nil
	}
	return w.alone(context.Background(), func() error {
		return w.remember(func(m *memory) { *m = memory{Promised: m.Promised} })
	})
}
