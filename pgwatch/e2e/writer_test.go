package e2e

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// written is a write that was acknowledged. A timeline is of one primary.
type written struct {
	number    int64
	timeline  string
	began, at time.Time
	router    int
}

// writers write through all routers, each with a new session.
type writers struct {
	stop    context.CancelFunc
	wg      sync.WaitGroup
	numbers atomic.Int64

	mu  sync.Mutex
	all []written
}

func (c *crew) write1(ctx context.Context, router int, number int64) (timeline string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgconn.Connect(ctx, fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=disable", c.router[router]))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	r := conn.ExecParams(ctx, fmt.Sprintf("INSERT INTO written VALUES (%d) RETURNING substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)", number), nil, nil, nil, nil).Read()
	if r.Err != nil {
		return "", r.Err
	}
	return string(r.Rows[0][0]), nil
}

// startWriters writes until the test ends.
func (c *crew) startWriters() *writers {
	ctx, stop := context.WithCancel(context.Background())
	w := &writers{stop: stop}
	for router := range c.router {
		for range 2 {
			w.wg.Go(func() {
				for ctx.Err() == nil {
					n, began := w.numbers.Add(1), time.Now()
					timeline, err := c.write1(ctx, router, n)
					if err != nil {
						time.Sleep(20 * time.Millisecond)
						continue
					}
					w.mu.Lock()
					w.all = append(w.all, written{n, timeline, began, time.Now(), router})
					w.mu.Unlock()
				}
			})
		}
	}
	c.t.Cleanup(w.end)
	return w
}

func (w *writers) end() {
	w.stop()
	w.wg.Wait()
}

// until waits until each of some routers has acknowledged a write that began later than now, and returns its timeline.
func (w *writers) until(t *testing.T, routers ...int) (timeline string) {
	t.Helper()
	since := time.Now()
	for _, r := range routers {
		for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			if line, ok := w.since(r, since); ok {
				timeline = line
				break
			}
			if time.Now().After(end) {
				t.Fatalf("router %d: no write within %v", r, patience)
			}
		}
	}
	return timeline
}

func (w *writers) since(router int, since time.Time) (timeline string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.all {
		if a.router == router && a.began.After(since) {
			timeline, ok = a.timeline, true
		}
	}
	return timeline, ok
}

// onePrimary checks that no write began after a newer primary had acknowledged one, and was acknowledged by an older.
func (w *writers) onePrimary(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	first := map[string]time.Time{}
	for _, a := range w.all {
		if f, ok := first[a.timeline]; !ok || a.at.Before(f) {
			first[a.timeline] = a.at
		}
	}
	for _, a := range w.all {
		for line, at := range first {
			if line > a.timeline && a.began.After(at) {
				t.Errorf("write %d, begun %v after timeline %s had taken writes, was acknowledged on timeline %s", a.number, a.began.Sub(at), line, a.timeline)
			}
		}
	}
}

// numbersOf are the writes that a timeline acknowledged.
func (w *writers) numbersOf(timeline string) (list []int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.all {
		if a.timeline == timeline {
			list = append(list, a.number)
		}
	}
	return list
}
