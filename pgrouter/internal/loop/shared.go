package loop

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// shared is how a loop waits while clients log in: as a goroutine does that reads from a connection. One thread then does
// the loop's work and theirs, instead of two that wake each other, and the scheduler's monitor thread can sleep.
//
// A loop has it no longer than that, because with it each event of the loop's connections wakes Go's runtime too.
type shared struct {
	file *os.File
	raw  syscall.RawConn
	tick time.Time // the deadline that is set
}

// newShared lets Go's runtime wait for an epoll instance.
func newShared(epfd int) (*shared, error) {
	fd, err := unix.FcntlInt(uintptr(epfd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate the epoll descriptor: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make the epoll descriptor non-blocking: %w", err)
	}
	s := &shared{file: os.NewFile(uintptr(fd), "epoll")}
	s.raw, err = s.file.SyscallConn()
	if err == nil {
		err = s.file.SetReadDeadline(time.Time{}) // an error when the runtime could not take it
	}
	if err != nil {
		s.file.Close()
		return nil, fmt.Errorf("wait for the epoll descriptor: %w", err)
	}
	return s, nil
}

// wait waits for events, or until tick.
func (s *shared) wait(tick time.Time, events []unix.EpollEvent) (n int, err error) {
	if tick != s.tick {
		if err := s.file.SetReadDeadline(tick); err != nil {
			return 0, fmt.Errorf("set the time of the next tick: %w", err)
		}
		s.tick = tick
	}
	err = s.raw.Read(func(fd uintptr) bool {
		n = epollRaw(int(fd), events, 0)
		return n > 0
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}

// join makes the loop wait with other goroutines. It reports false when that cannot be, for want of descriptors, say;
// waiting alone only costs more.
func (l *Loop) join() bool {
	if l.shared == nil {
		s, err := newShared(l.epfd)
		if err != nil {
			return false
		}
		l.shared = s
		runtime.UnlockOSThread()
	}
	return true
}

// part makes it wait alone again. Blocking in epoll_wait needs a thread anyway; its own one saves hand-overs.
func (l *Loop) part() {
	if l.shared != nil {
		l.shared.file.Close()
		l.shared = nil
		runtime.LockOSThread()
	}
}
