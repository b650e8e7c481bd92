package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is Hands that only note what they are asked for, and fail as often as they are told.
type recorder struct {
	mu    sync.Mutex
	calls []string
	fails int
	hold  chan struct{} // a recovery lasts until it can be received from; nil: it does not last
}

func (r *recorder) call(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, name)
	if r.fails > 0 {
		r.fails--
		return errors.New("it does not want to")
	}
	return nil
}

func (r *recorder) Recruit(context.Context, int) (json.RawMessage, uint32, uint64, error) {
	return json.RawMessage(`{"step":"recruit"}`), 3, 77, r.call("recruit")
}
func (r *recorder) Release(context.Context, int, json.RawMessage) error { return r.call("release") }
func (r *recorder) Promote(context.Context, int, uint64) error          { return r.call("promote") }
func (r *recorder) Follow(_ context.Context, _, _ int, upstream json.RawMessage) error {
	return r.call("follow " + string(upstream))
}
func (r *recorder) Start(context.Context, int) error { return r.call("start") }
func (r *recorder) Recover(ctx context.Context, o report.Order, tell func(Progress)) error {
	tell(Progress{Step: "backup", Method: "backup", Bytes: 1, Total: 2, Percent: 50})
	err := r.call("recover " + o.Method)
	if err == nil && r.hold != nil {
		select {
		case <-r.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

type world struct {
	*Agent
	hands   *recorder
	changed chan struct{}
}

// begin runs an agent until the test ends.
func begin(t *testing.T, dir string, srv *postmaster.Server) *world {
	t.Helper()
	w := &world{hands: &recorder{}, changed: make(chan struct{}, 1)}
	a, err := New(Config{
		Dir:      dir,
		Backends: []Backend{{ID: 1, Server: srv}},
		Hands:    w.hands,
		Hook: func(_ context.Context, o report.Order) error {
			if o.Hook == "bad" {
				return errors.New("status 1")
			}
			return nil
		},
		Log:     slog.New(slog.NewTextHandler(io.Discard, nil)),
		Changed: func() { ring(w.changed) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Agent = a
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { a.Run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	return w
}

// until waits for a state of the backend.
func (w *world) until(t *testing.T, what string, cond func(report.Local) bool) report.Local {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		l := w.Locals()[0]
		if cond(l) {
			return l
		}
		select {
		case <-w.changed:
		case <-limit:
			t.Fatalf("not reached: %s; it is %+v", what, l)
		}
	}
}

func order(op report.Op, epoch uint64) report.Order {
	return report.Order{Op: op, Backend: 1, Epoch: epoch}
}

func TestOrdersAreCarriedOutOnce(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir, nil)
	w.hands.fails = 1
	for range 3 {
		w.Obey([]report.Order{order(report.DoRecruit, 5), {Op: report.DoRecruit, Backend: 0, Epoch: 5}}, 0)
	}
	w.until(t, "a failure is told", func(l report.Local) bool { return l.ErrOrder == "recruit" && l.Promised == 5 })
	l := w.until(t, "recruited", func(l report.Local) bool { return l.Recruited == 5 && l.Err == "" })
	if l.Timeline != 3 || l.End != 77 {
		t.Errorf("%+v", l)
	}
	w.Obey([]report.Order{order(report.DoRecruit, 5), order(report.DoPromote, 5)}, 0)
	w.until(t, "promoted", func(l report.Local) bool { return l.Promoted == 5 })
	w.Obey([]report.Order{order(report.DoFollow, 6)}, 0)
	w.until(t, "following", func(l report.Local) bool { return l.Follows == 6 })
	if got := strings.Join(w.hands.calls, ", "); got != `recruit, recruit, promote, follow {"step":"recruit"}` {
		t.Errorf("it did %s", got)
	}
}

func TestOldEpochIsRefusedAlsoAfterARestart(t *testing.T) {
	dir := t.TempDir()
	t.Run("before", func(t *testing.T) {
		w := begin(t, dir, nil)
		w.Obey([]report.Order{order(report.DoRecruit, 5)}, 0)
		w.until(t, "recruited", func(l report.Local) bool { return l.Recruited == 5 })
	})
	w := begin(t, dir, nil)
	w.Obey([]report.Order{order(report.DoPromote, 4)}, 0)
	l := w.until(t, "refused", func(l report.Local) bool { return l.ErrOrder == "promote" })
	if !strings.Contains(l.Err, "epoch 5 was promised") || len(w.hands.calls) != 0 {
		t.Errorf("%+v after %v", l, w.hands.calls)
	}
}

func TestHooksRunOnceEach(t *testing.T) {
	w := begin(t, t.TempDir(), nil)
	orders := []report.Order{{Op: report.DoHook, ID: "a", Hook: "good"}, {Op: report.DoHook, ID: "b", Hook: "bad"}}
	for len(w.Hooks()) < 2 {
		w.Obey(orders, 0)
		<-w.changed
	}
	w.Obey(append(orders, report.Order{Op: report.DoHook, ID: "c", Hook: "good"}), 0)
	for len(w.Hooks()) < 3 {
		<-w.changed
	}
	if got := w.Hooks(); got[0] != (report.HookDone{ID: "a"}) || got[1] != (report.HookDone{ID: "b", Err: "status 1"}) || got[2].ID != "c" {
		t.Errorf("%+v", got)
	}
}

func TestDamagedMemoryIsNamed(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "backend-1.json"), []byte(`{"promised":`), 0o600)
	_, err := New(Config{Dir: dir, Backends: []Backend{{ID: 1}}})
	if err == nil || !strings.Contains(err.Error(), "backend-1.json") {
		t.Errorf("%v", err)
	}
}

// A promise that cannot be written is none: nothing is done in its name, and it is tried again when there is room.
func TestFullDiskPromisesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16k"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 16<<10), 0o600); err != nil && !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	t.Run("full", func(t *testing.T) { // the agent ends before the disk is taken away
		w := begin(t, dir, nil)
		w.Obey([]report.Order{order(report.DoRecruit, 5)}, 0)
		l := w.until(t, "it failed", func(l report.Local) bool { return l.ErrOrder == "recruit" })
		if !strings.Contains(l.Err, "no space left on device") || l.Promised != 0 || len(w.hands.calls) != 0 {
			t.Errorf("%+v after %v", l, w.hands.calls)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		w.until(t, "recruited", func(l report.Local) bool { return l.Recruited == 5 })
	})
}

// A fence ends a real server with all its processes, and ends it again when somebody starts it while the order stands.
func TestFence(t *testing.T) {
	s := pgtest.Primary(t)
	w := begin(t, t.TempDir(), postmaster.New(s.Data("")))
	w.until(t, "it runs", func(l report.Local) bool { return l.Postmaster == report.Runs })
	w.Obey([]report.Order{order(report.DoStop, 2)}, 0)
	l := w.until(t, "stopped", func(l report.Local) bool { return l.Fenced == 2 })
	if !l.Stopped || l.End == 0 || l.Timeline != 1 {
		t.Errorf("%+v", l)
	}
	w.Obey(nil, 0)
	reaped(s)
	s.Start(t)
	w.until(t, "it runs", func(l report.Local) bool { return l.Postmaster == report.Runs && l.Fenced == 0 })
	w.Obey([]report.Order{order(report.DoFence, 3)}, 0)
	w.until(t, "fenced", func(l report.Local) bool { return l.Fenced == 3 })
	reaped(s)
	s.StartAsync(t)
	w.until(t, "it runs again", func(l report.Local) bool { return l.Postmaster == report.Runs })
	w.until(t, "and is fenced again", func(l report.Local) bool { return l.Fenced == 3 && l.Postmaster == report.Dead })
}

// The end of a postmaster is told, with its orphans.
func TestDeathIsTold(t *testing.T) {
	s := pgtest.Primary(t)
	w := begin(t, t.TempDir(), postmaster.New(s.Data("")))
	w.until(t, "it runs", func(l report.Local) bool { return l.Postmaster == report.Runs })
	s.Kill(t, syscall.SIGKILL)
	w.until(t, "it is dead", func(l report.Local) bool { return l.Postmaster == report.Dead && !l.Stopped && !l.Standby && l.Ran })
	if l := begin(t, t.TempDir(), postmaster.New(s.Data(""))).until(t, "it is dead", func(l report.Local) bool { return l.Postmaster == report.Dead }); l.Ran {
		t.Errorf("another agent has not seen it run: %+v", l)
	}
}

// reaped waits until the test's own side knows that the server has ended.
func reaped(s *pgtest.Server) {
	for s.Running() {
		time.Sleep(time.Millisecond)
	}
}
