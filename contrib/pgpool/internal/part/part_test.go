package part

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/exit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a program of a test.
type fake struct {
	pid         int
	ready, done chan struct{}
	status      int

	mu      sync.Mutex
	signals []syscall.Signal
}

func (f *fake) PID() int               { return f.pid }
func (f *fake) Ready() <-chan struct{} { return f.ready }
func (f *fake) Done() <-chan struct{}  { return f.done }
func (f *fake) Status() (int, string)  { return f.status, "of the test" }
func (f *fake) end(status int)         { f.status = status; close(f.done) }

// Signal notes a signal; SIGTERM ends the program.
func (f *fake) Signal(s syscall.Signal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signals = append(f.signals, s)
	if s == syscall.SIGTERM {
		f.end(exit.OK)
	}
}

// starter hands out programs, and keeps when it did.
type starter struct {
	all   []*fake
	times []time.Duration // since the first
	first time.Time
	fail  error
}

func (s *starter) start() (Process, error) {
	if s.times == nil {
		s.first = time.Now()
	}
	s.times = append(s.times, time.Since(s.first))
	if s.fail != nil {
		return nil, s.fail
	}
	f := &fake{pid: 1000 + len(s.all), ready: make(chan struct{}), done: make(chan struct{})}
	s.all = append(s.all, f)
	return f, nil
}

func (s *starter) last() *fake { return s.all[len(s.all)-1] }

// run runs a part while f acts, and returns what Run returned.
func run(t *testing.T, s *starter, f func(p *Part)) (err error) {
	synctest.Test(t, func(t *testing.T) {
		p := New("pgtool", s.start, slog.New(slog.DiscardHandler))
		go func() { err = p.Run() }()
		synctest.Wait()
		f(p)
		<-p.Done()
	})
	return err
}

// quit ends a part as the crew does.
func quit(p *Part) {
	p.Retire()
	p.Signal(syscall.SIGTERM)
}

func TestStartsAgainWithPatience(t *testing.T) {
	s := &starter{}
	err := run(t, s, func(p *Part) {
		for range 10 {
			s.last().end(exit.Failed)
			time.Sleep(longestWait)
			synctest.Wait()
		}
		quit(p)
	})
	if err != nil {
		t.Error(err)
	}
	if len(s.all) != 11 {
		t.Errorf("%d starts", len(s.all))
	}
}

func TestWaits(t *testing.T) {
	s := &starter{fail: errors.New("no memory")}
	run(t, s, func(p *Part) {
		time.Sleep(time.Minute)
		if state := p.State(); state.PID != 0 || state.Restarts != len(s.times)-1 {
			t.Errorf("state %+v after %d starts", state, len(s.times))
		}
		quit(p)
	})
	var waits []time.Duration
	for i := range s.times[1:9] {
		waits = append(waits, s.times[i+1]-s.times[i])
	}
	ms := time.Millisecond
	want := []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 10000 * ms}
	if !slices.Equal(waits, want) {
		t.Errorf("waits %v, wanted %v", waits, want)
	}
}

// A program that has run for a while is started again at once.
func TestWaitIsShortAgain(t *testing.T) {
	s := &starter{}
	run(t, s, func(p *Part) {
		for range 5 {
			s.last().end(exit.Failed)
			time.Sleep(longestWait)
			synctest.Wait()
		}
		time.Sleep(longestWait)
		before := len(s.all)
		s.last().end(exit.Failed)
		time.Sleep(firstWait)
		synctest.Wait()
		if len(s.all) != before+1 {
			t.Error("it was not started again after the shortest wait")
		}
		quit(p)
	})
}

// A wrong configuration ends the part at the start; later the file on disk may be wrong for a while.
func TestRefuses(t *testing.T) {
	s := &starter{}
	err := run(t, s, func(*Part) { s.last().end(exit.Usage) })
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.ExitStatus() != exit.Usage {
		t.Errorf("at the start: %v", err)
	}
	s = &starter{}
	err = run(t, s, func(p *Part) {
		close(s.last().ready)
		synctest.Wait()
		s.last().end(exit.Usage)
		time.Sleep(firstWait)
		synctest.Wait()
		s.last().end(exit.Usage)
		time.Sleep(2 * firstWait)
		synctest.Wait()
		quit(p)
	})
	if err != nil || len(s.all) != 3 {
		t.Errorf("later: %v, %d starts", err, len(s.all))
	}
}

func TestRetiredIsNotStarted(t *testing.T) {
	s := &starter{}
	run(t, s, func(p *Part) {
		s.last().end(exit.Failed)
		synctest.Wait()
		quit(p) // while it waits
	})
	if len(s.all) != 1 {
		t.Errorf("%d starts", len(s.all))
	}
}

// A program that does not serve yet may not know the signal.
func TestReloadWaitsUntilReady(t *testing.T) {
	s := &starter{}
	run(t, s, func(p *Part) {
		p.Reload()
		if got := s.last().signals; len(got) > 0 {
			t.Errorf("signals %v before it is ready", got)
		}
		close(s.last().ready)
		synctest.Wait()
		<-p.Ready()
		p.Reload()
		if got := s.last().signals; !slices.Equal(got, []syscall.Signal{syscall.SIGHUP, syscall.SIGHUP}) {
			t.Errorf("signals %v", got)
		}
		if state := p.State(); !state.Ready || state.PID != 1000 {
			t.Errorf("state %+v", state)
		}
		s.last().end(exit.Failed)
		synctest.Wait()
		p.Reload() // of nothing
		time.Sleep(firstWait)
		synctest.Wait()
		close(s.last().ready)
		synctest.Wait()
		if got := s.last().signals; len(got) > 0 {
			t.Errorf("a new program got %v", got)
		}
		quit(p)
	})
}
