package hub

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newHub() *Hub {
	start := time.Now()
	return New(Config{
		Origin:   event.Origin{Node: "n", Boot: "b"},
		Clock:    func() (time.Duration, time.Time) { return time.Since(start), time.Now() },
		Hello:    event.Hello{VMin: 1, VMax: 1, TickMS: 250, LeaseMS: 2000},
		Snapshot: func() (event.Snapshot, event.At) { return event.Snapshot{Self: "n"}, event.At{Epoch: 7} },
	})
}

// listen serves one listener until the test ends.
func listen(t *testing.T, h *Hub, types ...string) (*event.Reader, net.Conn, <-chan error) {
	ours, theirs := net.Pipe()
	ended := make(chan error, 1)
	go func() { defer ours.Close(); ended <- h.Serve(t.Context(), ours, types) }()
	t.Cleanup(func() { theirs.Close() })
	r := event.NewReader(theirs)
	want(t, r, event.TypeHello)
	want(t, r, event.TypeSnapshot)
	return r, theirs, ended
}

func want(t *testing.T, r *event.Reader, kind string) event.Event {
	t.Helper()
	e, err := r.Next()
	if err != nil || e.Type != kind || r.Gap() {
		t.Fatalf("line %d is %q (gap %v), wanted %q: %v", r.Line(), e.Type, r.Gap(), kind, err)
	}
	return e
}

func TestStream(t *testing.T) {
	h := newHub()
	all, _, _ := listen(t, h)
	some, _, ended := listen(t, h, "vip.*")
	h.Publish(event.Tick{}, event.At{Term: 3})
	h.Publish(event.VIPGrant{Addr: "a"}, event.At{Term: 3})
	if e := want(t, all, event.TypeTick); e.Term != 3 {
		t.Errorf("term %d", e.Term)
	}
	want(t, all, event.TypeVIPGrant)
	want(t, some, event.TypeVIPGrant)
	h.Close("the end")
	want(t, all, event.TypeBye)
	want(t, some, event.TypeBye)
	if _, err := some.Next(); err != io.EOF {
		t.Errorf("after bye: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// A listener that is slow gets a snapshot instead of what it missed, and times tell when a line was made, not when it
// was read.
func TestSlowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		r, _, _ := listen(t, h)
		h.Publish(event.Tick{}, event.At{})
		synctest.Wait() // it hangs in the write of this line
		for range queueLength + 10 {
			h.Publish(event.Tick{}, event.At{})
		}
		time.Sleep(time.Second)
		if e := want(t, r, event.TypeTick); e.MonoMS != 0 {
			t.Errorf("the tick was made at %d ms", e.MonoMS)
		}
		e := want(t, r, event.TypeResync)
		if d, err := event.Decode[event.Resync](e); err != nil || d.Lost != queueLength+10 || e.MonoMS != 1000 {
			t.Errorf("%+v at %d ms, %v", d, e.MonoMS, err)
		}
		want(t, r, event.TypeSnapshot)
		h.Publish(event.Leader{}, event.At{})
		want(t, r, event.TypeLeader)
		h.Close("")
		want(t, r, event.TypeBye)
	})
}

func TestDeadListenerIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		_, _, ended := listen(t, h)
		h.Publish(event.Tick{}, event.At{})
		if err := <-ended; err == nil {
			t.Error("it was not an error")
		}
		if len(h.listeners) != 0 {
			t.Error("it is still there")
		}
	})
}

func TestContextEndsServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := newHub()
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, io.Discard, nil) }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	h.Close("")
	if err := h.Serve(t.Context(), io.Discard, nil); err != nil {
		t.Error(err)
	}
}
