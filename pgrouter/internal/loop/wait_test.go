package loop

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The loop waits with other goroutines after a Post, and alone when the last one was long ago. Events come either way.
func TestWaitsAloneAndWithOthers(t *testing.T) {
	each(t, func(t *testing.T, l *Loop, fd int, peer net.Conn) {
		alone := make(chan bool, 1)
		h := newTeller()
		h.use = func(b []byte) int {
			alone <- l.shared == nil
			return len(b)
		}
		h.attach(t, l, fd)
		for _, want := range []bool{false, true, false, true} {
			on(t, l, func() {
				l.visit, l.busy = l.now, 0
				if want {
					l.visit = time.Time{}
				}
			})
			io.WriteString(peer, "x")
			if got := get(t, alone); got != want {
				t.Fatalf("waited alone: %v, wanted %v", got, want)
			}
		}
	})
}

// A loop is busy when nearly all events come soon after the one before.
func TestBusy(t *testing.T) {
	l := start(t)
	on(t, l, func() {
		now := l.now
		for range busyFrom {
			now = now.Add(shortGap / 2)
			l.woke(now)
		}
		if l.busy < busyFrom {
			t.Errorf("after %d short gaps: busy %d", busyFrom, l.busy)
		}
		for range 2 * busyMost / longPrice {
			now = now.Add(shortGap)
			l.woke(now)
		}
		if l.busy != 0 {
			t.Errorf("after long gaps: busy %d", l.busy)
		}
	})
}

// Ticks come while nothing else does.
func TestTicksAloneAndWithOthers(t *testing.T) {
	for name, others := range map[string]bool{"alone": false, "with others": true} {
		t.Run(name, func(t *testing.T) {
			var l *Loop
			ticks := make(chan bool)
			l, err := New(time.Millisecond, func(now time.Time) {
				ticks <- l.shared != nil
				l.visit, l.busy = time.Time{}, 0
				if others {
					l.visit = now
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- l.Run(ctx) }()
			get(t, ticks)
			for range 3 {
				if got := get(t, ticks); got != others {
					t.Errorf("waited with others: %v, wanted %v", got, others)
				}
			}
			cancel()
			for {
				select {
				case <-ticks:
				case err := <-ended:
					if err != nil {
						t.Error(err)
					}
					return
				}
			}
		})
	}
}

// A loop leaves no descriptor behind, whichever way it waited last.
func TestDescriptorsAreClosed(t *testing.T) {
	lowest := func() int {
		fd, err := unix.Dup(0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		return fd
	}
	run := func() {
		l, err := New(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		for range 3 {
			on(t, l, func() { l.visit = time.Time{} })
			on(t, l, func() { l.visit, l.busy = l.now, 0 })
		}
		cancel()
		if err := get(t, ended); err != nil {
			t.Error(err)
		}
	}
	run() // Go's runtime opens descriptors of its own
	before := lowest()
	for range 10 {
		run()
	}
	if after := lowest(); after != before {
		t.Errorf("the lowest free descriptor was %d and is %d", before, after)
	}
}

// Without a descriptor to spare the loop goes on alone.
func TestNoDescriptorLeft(t *testing.T) {
	l := start(t)
	fd, peer := rawPair(t)
	defer unix.Close(peer)
	h := newTeller().attach(t, l, fd)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &old) })
	on(t, l, func() {
		l.part()
		unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: old.Max})
		l.visit, l.busy = l.now, 0
	})
	unix.Write(peer, []byte("x"))
	h.wantData(t, "x")
	unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	on(t, l, func() { l.visit, l.busy = l.now, 0 })
	unix.Write(peer, []byte("y"))
	h.wantData(t, "y")
}
