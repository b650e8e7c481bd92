package loop

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of a loop that is at work. None of them blocks, so they are made without a word to the scheduler,
// which would take the processor away from the loop when one lasts for 20 microseconds.

// readNow and writeNow work on non-blocking descriptors.
func readNow(fd int, b []byte) (int, syscall.Errno) {
	// recvfrom reaches the socket by a shorter way than read does.
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func writeNow(fd int, b []byte) (int, syscall.Errno) {
	if len(b) == 0 {
		return 0, 0
	}
	// send with MSG_NOSIGNAL: a peer that went away must be an error, not a signal.
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// epollRaw is epoll_wait. Errors count as no event; the ordinary call that follows reports them.
func epollRaw(epfd int, events []unix.EpollEvent, milliseconds int) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(milliseconds), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// control is epoll_ctl; ev may be nil for EPOLL_CTL_DEL.
func control(epfd, op, fd int, ev *unix.EpollEvent) error {
	if _, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epfd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(ev)), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// closeNow closes a socket, which does not linger.
func closeNow(fd int) { syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// The eventfd of a loop: ring adds to it, and quiet takes all.
func ring(fd int) {
	one := [8]byte{1}
	syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one)), 8)
}

func quiet(fd int) {
	var b [8]byte
	syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b)), 8)
}
