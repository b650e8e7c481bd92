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
				l.visit = l.now
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

// Ticks come while nothing else does.
func TestTicksAloneAndWithOthers(t *testing.T) {
	for name, others := range map[string]bool{"alone": false, "with others": true} {
		t.Run(name, func(t *testing.T) {
			var l *Loop
			ticks := make(chan bool)
			l, err := New(time.Millisecond, func(now time.Time) {
				ticks <- l.shared != nil
				l.visit = time.Time{}
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
			on(t, l, func() { l.visit = l.now })
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
