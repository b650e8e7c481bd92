package postmaster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// handle keeps hold of a process: another one that gets its number later is not meant.
type handle struct {
	process
	fd int
}

// grasp opens the processes that still belong to the server. The caller closes them with release.
func grasp(family []process, dir os.FileInfo) ([]handle, error) {
	var held []handle
	for _, p := range family {
		fd, err := unix.PidfdOpen(p.pid, 0)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			release(held)
			return nil, fmt.Errorf("pidfd_open, which needs Linux 5.3: %w", err)
		}
		// The number may have gone to another process before it was opened; from now on it cannot.
		if now, err := look(p.pid, dir); err != nil || !now.family {
			unix.Close(fd)
			continue
		}
		held = append(held, handle{p, fd})
	}
	return held, nil
}

func release(held []handle) {
	for _, h := range held {
		unix.Close(h.fd)
	}
}

func (h handle) signal(sig unix.Signal) error {
	err := unix.PidfdSendSignal(h.fd, sig, nil, 0)
	if err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("send %s to process %d: %w", unix.SignalName(sig), h.pid, err)
	}
	return nil
}

// wait returns when one of the processes has ended, after d, or when ctx ends; it tells how many have. It takes a thread
// of the operating system, and no time of the processor.
func wait(ctx context.Context, held []handle, d time.Duration) (ended int, err error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("eventfd: %w", err)
	}
	defer unix.Close(wake)
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // any number but 0
		close(woken)
	})
	defer func() {
		if !stop() {
			<-woken
		}
	}()

	fds := []unix.PollFd{{Fd: int32(wake), Events: unix.POLLIN}}
	for _, h := range held {
		fds = append(fds, unix.PollFd{Fd: int32(h.fd), Events: unix.POLLIN})
	}
	for end := time.Now().Add(d); ; {
		left := max(0, time.Until(end))
		_, err := unix.Poll(fds, int((left+time.Millisecond-1)/time.Millisecond))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("poll: %w", err)
		}
		for _, f := range fds[1:] {
			if f.Revents != 0 {
				ended++
			}
		}
		return ended, ctx.Err()
	}
}

// waitAll waits until all of the processes have ended, and returns those that have not after d.
func waitAll(ctx context.Context, held []handle, d time.Duration) ([]handle, error) {
	for end := time.Now().Add(d); len(held) > 0; {
		left := time.Until(end)
		if left <= 0 {
			return held, nil
		}
		// One after the other: what ended meanwhile takes no time.
		ended, err := wait(ctx, held[:1], left)
		if err != nil {
			return held, err
		}
		held = held[ended:]
	}
	return nil, nil
}
