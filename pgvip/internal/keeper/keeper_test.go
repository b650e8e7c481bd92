package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgvip/internal/address"
	"github.com/pgcrew/pgcrew/pgvip/internal/follow"
	"github.com/pgcrew/pgcrew/pgvip/internal/hold"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ms  = time.Millisecond
	ttl = 2 * time.Second
)

// A note is something that was done, and when.
type note struct {
	at   time.Duration
	what string
}

// A world is a Keeper of one address in fake time, with a Taker that notes what it is asked.
type world struct {
	*Keeper
	began time.Time
	items chan follow.Item
	heard func(mac string)

	mu      sync.Mutex
	notes   []note
	foreign string // what a probe finds
	slow    bool   // a claim takes until it is cancelled
	stuck   bool   // a release fails
}

func (w *world) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, note{time.Since(w.began), what})
}

// when returns when something was done first, or fails the test.
func (w *world) when(t *testing.T, what string) time.Duration {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.notes {
		if n.what == what {
			return n.at
		}
	}
	t.Fatalf("%q was not done, only %v", what, w.notes)
	return 0
}

func (w *world) count(what string) int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(w.notes), func(n note) bool { return n.what != what }))
}

func (w *world) Probe(ctx context.Context) string {
	select {
	case <-time.After(100 * ms):
	case <-ctx.Done():
	}
	return w.foreign
}

func (w *world) Claim(ctx context.Context, _ uint64, _ time.Duration) error {
	if w.slow {
		<-ctx.Done()
		return ctx.Err()
	}
	w.note("claim")
	return nil
}

func (w *world) Renew(time.Duration) error { w.note("renew"); return nil }
func (w *world) Announce() error           { w.note("announce"); return nil }
func (w *world) Close()                    { w.note("close") }

func (w *world) Release(context.Context) (bool, error) {
	w.note("release")
	if w.stuck {
		return true, errors.New("not permitted")
	}
	return true, nil
}

// run calls f beside a Keeper that runs, and ends that by ctx unless f has ended it. It returns the error of Run.
func run(t *testing.T, socket bool, f func(t *testing.T, w *world)) (err error) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{began: time.Now(), items: make(chan follow.Item)}
		w.Keeper = New(Config{
			Tracker: hold.NewTracker(hold.Config{Boot: "boot", Follow: hold.Leader, Ours: func(string) bool { return true }}),
			Patient: true,
			Clock:   func() (time.Duration, time.Time) { return time.Since(w.began), time.Now() },
			Log:     slog.New(slog.DiscardHandler),
			Report:  func(d event.Payload) { w.note(d.EventType()) },
			Ready:   func() { w.note("ready") },
			Socket:  socket,
		})
		w.Add(address.Address{IP: netip.MustParseAddr("192.0.2.1"), Dev: "eth0"}, func(heard func(string)) Taker { w.heard = heard; return w })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); err = w.Run(ctx, w.items) }()
		w.say(event.Hello{})
		f(t, w)
		cancel()
		<-done
	})
	return err
}

// say gives the Keeper an event that is written now.
func (w *world) say(d event.Payload) {
	body, _ := json.Marshal(d)
	w.items <- follow.Item{Event: event.Event{V: 1, Type: d.EventType(), Cluster: "lab", Node: "a", Boot: "boot", MonoMS: time.Since(w.began).Milliseconds(), D: body}}
	synctest.Wait()
}

// tick ticks for a while, every 250 ms.
func (w *world) tick(holder string, token uint64, long time.Duration) {
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(250 * ms) {
		w.say(event.Tick{Quorum: event.QuorumFull, VIP: &event.VIPLease{Holder: holder, Token: token, TTLMS: ttl.Milliseconds()}})
	}
}

func TestHoldsAndLetsGo(t *testing.T) {
	err := run(t, false, func(t *testing.T, w *world) {
		w.tick("a", 1, 30*time.Second)
		if got := w.when(t, event.TypeVIPUp); got != 100*ms {
			t.Errorf("up after %v, not 100 ms", got)
		}
		// Three at once, and one every ten seconds.
		if got := w.count("announce"); got != 5 {
			t.Errorf("%d announcements in 30 s", got)
		}
		if got := w.count("renew"); got != 119 {
			t.Errorf("%d renewals in 30 s", got)
		}
		w.heard("mac")
		if w.count("announce") != 6 || w.count(event.TypeVIPConflict) != 1 {
			t.Error("it does not defend the address")
		}
		w.LinkUp("eth1")
		w.LinkUp("eth0")
		if w.count("announce") != 7 {
			t.Error("a link that came back is not told")
		}
		if all, err := w.Status(t.Context()); err != nil || len(all) != 1 || all[0].State != "up" || all[0].Token != 1 || all[0].RemainingMS != 1750 {
			t.Errorf("status %+v, %v", all, err)
		}
		// The last tick was 250 ms ago.
		silent := time.Since(w.began) - 250*ms
		time.Sleep(10 * time.Second)
		if got := w.when(t, event.TypeVIPDown) - silent; got != ttl {
			t.Errorf("down after %v of silence, not %v", got, ttl)
		}
		if cluster, node := w.Self(); cluster != "lab" || node != "a" {
			t.Errorf("we are %s %s", cluster, node)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// Frames of a switch that mirrors, or a real rival, must not make it fill the network.
func TestManyConflicts(t *testing.T) {
	run(t, false, func(t *testing.T, w *world) {
		w.tick("a", 1, 5*time.Second)
		before := w.count("announce")
		for range 1000 {
			w.heard("mac")
			time.Sleep(ms)
		}
		if got := w.count("announce") - before; got > 4 {
			t.Errorf("%d announcements in a second", got)
		}
		if got := w.count(event.TypeVIPConflict); got != 1 {
			t.Errorf("%d reports in a second", got)
		}
	})
}

func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		socket bool
		end    func(w *world)
		err    string
		ends   bool
	}{
		{"end of input", false, func(w *world) { w.items <- follow.Item{End: io.EOF} }, "", true},
		{"bad input", false, func(w *world) { w.items <- follow.Item{End: errors.New("line 3: no")} }, "read events: line 3: no", true},
		{"end of a connection", true, func(w *world) { w.items <- follow.Item{End: io.EOF} }, "", false},
		{"revoked", true, func(w *world) { w.say(event.VIPRevoke{Token: 1}) }, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := run(t, c.socket, func(t *testing.T, w *world) {
				w.tick("a", 1, time.Second)
				before := w.count("release")
				c.end(w)
				if w.count("release") != before+1 || w.count(event.TypeVIPDown) != 1 {
					t.Errorf("it was not given up at once: %v", w.notes)
				}
				if ended := w.count("close") == 1; ended != c.ends {
					t.Errorf("it has ended: %v", ended)
				}
				if !c.ends {
					w.tick("a", 2, time.Second)
					if w.count(event.TypeVIPUp) != 2 {
						t.Error("it is not taken again")
					}
				}
			})
			if (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
				t.Errorf("got %v, wanted %q", err, c.err)
			}
		})
	}
}

// A claim that takes long does not keep the address from being given up.
func TestSlowClaim(t *testing.T) {
	run(t, false, func(t *testing.T, w *world) {
		w.slow = true
		w.tick("a", 1, 5*time.Second)
		w.tick("b", 2, time.Second)
		if w.count("release") != 2 || w.count(event.TypeVIPUp) != 0 {
			t.Errorf("it did %v", w.notes)
		}
	})
}

// An address that cannot be given up does not keep the program for ever, and is named.
func TestStuck(t *testing.T) {
	err := run(t, false, func(t *testing.T, w *world) {
		w.tick("a", 1, time.Second)
		w.stuck = true
	})
	if err == nil || !strings.Contains(err.Error(), "give up 192.0.2.1: not permitted") {
		t.Errorf("got %v", err)
	}
}
