package crew

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/part"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A stage is a crew of a router, a pgwatch that needs a while to hand over, and a pgvip. It notes what happens.
type stage struct {
	crew    *Crew
	orders  chan Mode
	deaf    string // a part that obeys SIGKILL only
	refuses error  // what the router answers to an order to end
	clients chan struct{}
	slow    bool // the router is not ready yet

	mu     sync.Mutex
	began  time.Time
	notes  []string
	actors map[string]*actor
}

// handoverTime is how long this pgwatch takes.
const handoverTime = 2 * time.Second

// actor is a program of a test.
type actor struct {
	stage       *stage
	name        string
	ready, done chan struct{}
	once        sync.Once
	status      int
}

func newStage() *stage {
	s := &stage{orders: make(chan Mode), clients: make(chan struct{}), began: time.Now(), actors: map[string]*actor{}}
	s.crew = &Crew{
		Router: s.part("pgrouter"),
		Others: []*part.Part{s.part("pgwatch"), s.part("pgvip")},
		Log:    slog.New(slog.DiscardHandler),
		Drain: func(_ context.Context, m Mode) error {
			s.note("drain %v", m)
			if s.refuses != nil {
				return s.refuses
			}
			a := s.actor("pgrouter")
			if m >= Fast {
				a.end(exit.OK)
			} else {
				go func() {
					select {
					case <-s.clients:
						a.end(exit.OK)
					case <-a.done:
					}
				}()
			}
			return nil
		},
	}
	return s
}

func (s *stage) part(name string) *part.Part {
	return part.New(name, func() (part.Process, error) {
		a := &actor{stage: s, name: name, ready: make(chan struct{}), done: make(chan struct{})}
		s.mu.Lock()
		s.actors[name] = a
		s.mu.Unlock()
		return a, nil
	}, slog.New(slog.DiscardHandler))
}

func (s *stage) actor(name string) *actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.actors[name]
}

func (s *stage) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf("%v ", time.Since(s.began))+fmt.Sprintf(format, args...))
}

func (a *actor) PID() int               { return 7 }
func (a *actor) Ready() <-chan struct{} { return a.ready }
func (a *actor) Done() <-chan struct{}  { return a.done }
func (a *actor) Status() (int, string)  { return a.status, "" }

func (a *actor) end(status int) {
	a.once.Do(func() {
		a.status = status
		a.stage.note("%s gone", a.name)
		close(a.done)
	})
}

// Signal obeys.
func (a *actor) Signal(sig syscall.Signal) {
	a.stage.note("%s %v", a.name, sig)
	switch {
	case sig == syscall.SIGKILL:
		a.end(137)
	case a.stage.deaf == a.name, sig != syscall.SIGTERM:
	case a.name == "pgwatch":
		go func() {
			select {
			case <-time.After(handoverTime):
				a.end(exit.OK)
			case <-a.done:
			}
		}()
	default:
		a.end(exit.OK)
	}
}

// play runs a crew while f orders, and compares what happened, in order.
func play(t *testing.T, prepare func(s *stage), f func(s *stage), want ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		prepare(s)
		done := make(chan error)
		go func() { done <- s.crew.Run(s.orders) }()
		synctest.Wait()
		if !s.slow {
			close(s.actor("pgrouter").ready)
			synctest.Wait()
		}
		f(s)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if !slices.Equal(s.notes, want) {
			t.Errorf("it was\n\t%s\nwanted\n\t%s", strings.Join(s.notes, "\n\t"), strings.Join(want, "\n\t"))
		}
	})
}

func as(*stage) {}

// The router ends when leadership and address are with another host.
func TestFast(t *testing.T) {
	play(t, as, func(s *stage) { s.orders <- Fast },
		"0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "2s pgwatch gone", "2s drain fast", "2s pgrouter gone")
}

// Smart waits for clients, as long as it takes.
func TestSmart(t *testing.T) {
	play(t, as, func(s *stage) {
		s.orders <- Smart
		time.Sleep(time.Hour)
		close(s.clients)
	}, "0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "2s pgwatch gone", "2s drain smart", "1h0m0s pgrouter gone")
}

func TestSmartThenFast(t *testing.T) {
	play(t, as, func(s *stage) {
		s.orders <- Smart
		time.Sleep(time.Hour)
		s.orders <- Smart
		s.orders <- Fast
	}, "0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "2s pgwatch gone", "2s drain smart", "1h0m0s drain fast", "1h0m0s pgrouter gone")
}

// A faster mode does not drain the router before the address has moved; a slower one changes nothing.
func TestFastWhileHandingOver(t *testing.T) {
	play(t, as, func(s *stage) {
		s.orders <- Smart
		time.Sleep(time.Second)
		s.orders <- Fast
		s.orders <- Smart
	}, "0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "2s pgwatch gone", "2s drain fast", "2s pgrouter gone")
}

func TestImmediate(t *testing.T) {
	play(t, as, func(s *stage) { s.orders <- Immediate },
		"0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "0s drain immediate", "0s pgrouter gone", "2s pgwatch gone")
	play(t, func(s *stage) { s.deaf = "pgwatch" }, func(s *stage) {
		s.orders <- Smart
		time.Sleep(time.Second)
		s.orders <- Immediate
	}, "0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "1s drain immediate", "1s pgrouter gone", "6s pgwatch killed", "6s pgwatch gone")
}

// What does not end is waited for, and killed in the end.
func TestDeaf(t *testing.T) {
	play(t, func(s *stage) { s.deaf = "pgvip" }, func(s *stage) { s.orders <- Fast },
		"0s pgwatch terminated", "0s pgvip terminated", "2s pgwatch gone", "10s drain fast", "10s pgrouter gone", "40s pgvip killed", "40s pgvip gone")
	play(t, func(s *stage) { s.deaf, s.refuses = "pgrouter", errors.New("it does not answer") }, func(s *stage) { s.orders <- Fast },
		"0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "2s pgwatch gone", "2s drain fast", "2s pgrouter terminated", "42s pgrouter killed", "42s pgrouter gone")
	play(t, func(s *stage) { s.deaf, s.refuses = "pgrouter", errors.New("it does not answer") }, func(s *stage) { s.orders <- Immediate },
		"0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "0s drain immediate", "0s pgrouter terminated", "2s pgwatch gone", "5s pgrouter killed", "5s pgrouter gone")
}

// A router that is not told how to end ends as SIGTERM tells it.
func TestDrainRefused(t *testing.T) {
	play(t, func(s *stage) { s.refuses = errors.New("there is no such operation") }, func(s *stage) { s.orders <- Smart },
		"0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "2s pgwatch gone", "2s drain smart", "2s pgrouter terminated", "2s pgrouter gone")
}

// A router that does not serve yet is not asked, and has nobody to wait for.
func TestStopWhileTheRouterStarts(t *testing.T) {
	play(t, func(s *stage) { s.slow = true }, func(s *stage) { s.orders <- Smart },
		"0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "2s pgwatch gone", "2s pgrouter terminated", "2s pgrouter gone")
}

// Nor is one that does not run just now.
func TestStopWhileTheRouterWaits(t *testing.T) {
	play(t, as, func(s *stage) {
		s.actor("pgrouter").end(exit.Failed)
		synctest.Wait()
		s.orders <- Fast
	}, "0s pgrouter gone", "0s pgwatch terminated", "0s pgvip terminated", "0s pgvip gone", "2s pgwatch gone")
}

// One part that does not take the configuration ends all.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		done := make(chan error)
		go func() { done <- s.crew.Run(s.orders) }()
		synctest.Wait()
		s.actor("pgwatch").end(exit.Usage)
		var refused *part.RefusedError
		if err := <-done; !errors.As(err, &refused) || refused.Name != "pgwatch" {
			t.Error(err)
		}
	})
}

func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		done := make(chan error)
		go func() { done <- s.crew.Run(s.orders) }()
		synctest.Wait()
		ready := make(chan struct{})
		go func() { s.crew.Ready(t.Context()); close(ready) }()
		for _, name := range []string{"pgvip", "pgwatch", "pgrouter"} {
			synctest.Wait()
			select {
			case <-ready:
				t.Errorf("ready before %s", name)
			default:
			}
			close(s.actor(name).ready)
		}
		<-ready
		s.crew.Reload()
		for _, state := range s.crew.States() {
			if !state.Ready || state.PID != 7 || state.Restarts != 0 {
				t.Errorf("state %+v", state)
			}
		}
		s.orders <- Immediate
		<-done
		if want := []string{"0s pgrouter hangup", "0s pgwatch hangup", "0s pgvip hangup"}; !slices.Equal(s.notes[:3], want) {
			t.Errorf("reload: %v", s.notes[:3])
		}
	})
}

func TestParseMode(t *testing.T) {
	for text, want := range map[string]Mode{"": Smart, "smart": Smart, "s": Smart, "fast": Fast, "f": Fast, "immediate": Immediate, "i": Immediate} {
		if got, err := ParseMode(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"quick", "S", "im"} {
		if _, err := ParseMode(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
