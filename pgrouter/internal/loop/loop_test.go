package loop

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Each goroutine waits for its function before it posts the next, so that the loop falls asleep all the time.
func TestPostWakesTheLoop(t *testing.T) {
	l := start(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			ran := make(chan bool)
			for range 1000 {
				if !l.Post(func() { ran <- true }) {
					t.Error("refused")
				}
				select {
				case <-ran:
				case <-time.After(patience):
					t.Error("a posted function never ran")
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestPostKeepsTheOrderOfEachCaller(t *testing.T) {
	l := start(t)
	const callers, calls = 8, 2000
	var next [callers]int
	var wg sync.WaitGroup
	for who := range callers {
		wg.Go(func() {
			for i := range calls {
				l.Post(func() {
					if next[who] != i {
						t.Errorf("function %d of caller %d ran as number %d", i, who, next[who])
					}
					next[who]++
				})
			}
		})
	}
	wg.Wait()
	on(t, l, func() {})
	for who, n := range next {
		if n != calls {
			t.Errorf("%d functions of caller %d ran", n, who)
		}
	}
}

// What Post accepts is run: it may carry a descriptor that somebody must close, or an answer that somebody waits for.
func TestPostAgainstTheEnd(t *testing.T) {
	for range 50 {
		l, err := New(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		var accepted, ran atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for l.Post(func() { ran.Add(1) }) {
					accepted.Add(1)
				}
			})
		}
		cancel()
		if err := get(t, ended); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if ran.Load() != accepted.Load() {
			t.Fatalf("%d functions ran of %d that were accepted", ran.Load(), accepted.Load())
		}
		if l.Post(func() {}) {
			t.Fatal("Post after the end was accepted")
		}
	}
}

func TestEndClosesConnectionsSilently(t *testing.T) {
	l, err := New(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	fd, peer := unixPair(t)
	h := newTeller().attach(t, l, fd)
	cancel()
	get(t, ended)
	if _, err := io.ReadAll(peer); err != nil {
		t.Fatal(err)
	}
	if len(h.closed) > 0 {
		t.Fatal("the handler was told")
	}
}

func TestTick(t *testing.T) {
	const period = 5 * time.Millisecond
	ticks := make(chan time.Time, 10000)
	l, err := New(period, func(now time.Time) { ticks <- now })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	defer func() { cancel(); get(t, ended) }()

	look := func() {
		t.Helper()
		last := get(t, ticks)
		for range 5 {
			now := get(t, ticks)
			if now.Sub(last) < period {
				t.Errorf("ticks are %v apart, wanted at least %v", now.Sub(last), period)
			}
			last = now
		}
	}
	look() // asleep
	stop := make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		var again func()
		again = func() {
			select {
			case <-stop:
			default:
				l.Post(again)
			}
		}
		l.Post(again)
		<-stop
	})
	look() // never asleep
	close(stop)
	wg.Wait()
}
