// Package loop drives established connections with one epoll instance on one goroutine.
//
// It is the only package that knows sockets after login. Level-triggered readiness, one receive
// buffer for all connections of a loop, no goroutine and no buffer for an idle connection: an idle
// one costs its Conn and the kernel's socket. Everything that may block (login, TLS handshake,
// dialing) happens on ordinary goroutines, which hand a descriptor over with Attach inside Post.
//
// All methods of Conn, and all calls of a Handler, happen on the loop's own goroutine.
package loop

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// bufferSize is what one read takes at most, in bytes. It is one buffer a loop, so it costs nothing a
// client; from 64 KiB on a larger one saves no CPU on large results (measured).
const bufferSize = 64 << 10

// A Loop serves any number of connections. Make it with New, start it with Run.
type Loop struct {
	epfd, wake int
	conns      []*Conn // by descriptor
	count      int
	gen        int32
	buf        []byte // what the last read brought
	plain      []byte // what the last TLS record opened to; made at the first TLS connection
	sealed     []byte // TLS records on their way out
	again      []*Conn
	batch      batch
	now        time.Time

	greedy bool      // other goroutines have processors enough while this one waits
	visit  time.Time // of the last Post that woke the loop
	busy   int       // how quickly events come, see woke
	shared *shared   // how it waits with other goroutines; nil while it waits alone
	asleep atomic.Bool
	mail   atomic.Bool // posted is not empty
	mu     sync.Mutex
	posted []func()
	spare  []func()
	ended  bool

	tick   func(now time.Time)
	period time.Duration
	next   time.Time
}

// running is the number of loops of the process. While there are fewer than processors, they may hold on to theirs.
var running atomic.Int32

// New makes a loop. tick, when not nil, is called on the loop about every period.
func New(period time.Duration, tick func(now time.Time)) (*Loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epfd)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	l := &Loop{epfd: epfd, wake: wake, buf: make([]byte, bufferSize), tick: tick, period: period}
	if err := unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)}); err != nil {
		unix.Close(epfd)
		unix.Close(wake)
		return nil, fmt.Errorf("epoll_ctl of the wake-up descriptor: %w", err)
	}
	return l, nil
}

// Post runs f on the loop soon, in the order of the calls. It is the one method for other goroutines.
// It reports false when the loop has ended and f will not run.
func (l *Loop) Post(f func()) bool {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return false
	}
	l.posted = append(l.posted, f)
	l.mail.Store(true)
	l.mu.Unlock()
	// The loop looks at posted after it says that it sleeps, so either it sees f or this sees asleep.
	if l.asleep.Load() {
		l.wakeUp()
	}
	return true
}

// wakeUp may come when the loop has just ended: its descriptor may be somebody else's then.
func (l *Loop) wakeUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		ring(l.wake)
	}
}

// Now is the time when the loop last woke, good enough for limits in seconds.
func (l *Loop) Now() time.Time { return l.now }

// Count is the number of connections attached.
func (l *Loop) Count() int { return l.count }

// Run serves until ctx ends, then runs what was posted before, closes what is still attached (without telling
// handlers) and returns.
func (l *Loop) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, l.wakeUp)
	defer stop()
	defer l.end()

	running.Add(1)
	defer running.Add(-1)
	runtime.LockOSThread() // see part
	defer func() {
		l.part()
		runtime.UnlockOSThread()
	}()
	events := make([]unix.EpollEvent, 256)
	l.now = time.Now()
	l.plan()
	for ctx.Err() == nil {
		n, err := l.wait(events)
		if err != nil {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		l.woke(time.Now())
		l.batch.open = n > 1
		for i := range events[:n] {
			l.dispatch(&events[i])
			l.runPosted() // that a server has gone must be known before the next client's statement is read
		}
		l.batch.open = false
		l.writeBatch()
		l.runPosted()
		l.runAgain()
		if l.tick != nil && !l.now.Before(l.next) {
			l.plan()
			l.tick(l.now)
		}
	}
	return nil
}

// plan sets when the next tick is.
func (l *Loop) plan() {
	l.next = l.now.Add(l.period)
	l.greedy = int(running.Load()) < runtime.GOMAXPROCS(0)
}

func (l *Loop) dispatch(ev *unix.EpollEvent) {
	fd := int(ev.Fd)
	if fd == l.wake {
		quiet(fd)
		l.visit = l.now
		return
	}
	// A descriptor closed and opened again within one batch has a new generation.
	if fd >= len(l.conns) || l.conns[fd] == nil || l.conns[fd].gen != ev.Pad {
		return
	}
	c := l.conns[fd]
	if ev.Events&unix.EPOLLOUT != 0 {
		c.flush()
	}
	if ev.Events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLRDHUP) != 0 && !c.closed {
		c.receive(ev.Events)
	}
}

func (l *Loop) runPosted() {
	if !l.mail.Load() {
		return
	}
	l.mu.Lock()
	l.mail.Store(false)
	todo := l.posted
	l.posted = l.spare[:0]
	l.mu.Unlock()
	for i, f := range todo {
		f()
		todo[i] = nil
	}
	l.spare = todo
}

// runAgain gives resumed connections the bytes that their handlers had left.
func (l *Loop) runAgain() {
	for len(l.again) > 0 {
		todo := l.again
		l.again = nil
		for _, c := range todo {
			c.queued = false
			if !c.closed && !c.paused {
				c.deliver(nil)
			}
		}
	}
}

// end runs what Post has accepted, which may hold descriptors and be waited for, and closes everything.
func (l *Loop) end() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.runPosted()
	for _, c := range l.conns {
		if c != nil {
			c.Close()
		}
	}
	unix.Close(l.epfd)
	unix.Close(l.wake)
}
