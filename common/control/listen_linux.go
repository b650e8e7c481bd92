package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxPath is the longest name of a Unix socket: sun_path less its final zero byte (unix(7)).
const maxPath = len(unix.RawSockaddrUnix{}.Path) - 1

// Listen makes the socket at path with the file mode mode, which says who may ask. A socket that a
// dead program left there is replaced. One that still answers, or a file that is no socket,
// is an error and stays.
func Listen(path string, mode fs.FileMode) (*Server, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("listen on %s: the name of a socket has at most %d bytes", path, maxPath)
	}
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	defer unlock()

	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	// The mode is set before bind as well, so that nobody slips in between bind and chmod.
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), uint32(mode.Perm())) }), err)
	}}
	l, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	listener := l.(*net.UnixListener)
	listener.SetUnlinkOnClose(false) // Close looks first whose it is
	if err := os.Chmod(path, mode.Perm()); err != nil {
		listener.Close()
		os.Remove(path)
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	made, err := os.Lstat(path)
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	return newServer(listener, path, made), nil
}

// lockFolder keeps two programs that start at once from both finding the socket stale.
func lockFolder(folder string) (unlock func(), err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", folder, err)
	}
	return func() { f.Close() }, nil // which ends the lock
}

// removeStale removes a socket on which nobody answers.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("there is a file that is no socket; remove it or choose another name")
	}
	c, err := net.DialTimeout("unix", path, 5*time.Second)
	switch {
	case err == nil:
		c.Close()
		return errors.New("another program answers there already")
	case errors.Is(err, unix.ECONNREFUSED):
		return os.Remove(path)
	}
	// A full queue (EAGAIN) or a forbidden one says that somebody lives there.
	return fmt.Errorf("see whether another program answers there: %w", err)
}

// A Peer is who sent a request, by the kernel's word (SO_PEERCRED, unix(7)): the ids of the process that
// connected, at that moment.
type Peer struct {
	UID, GID uint32
	PID      int32
}

// PeerOf asks the kernel who is on the other side of any Unix socket.
func PeerOf(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Peer{}, err
	}
	if credErr != nil {
		return Peer{}, credErr
	}
	return Peer{UID: cred.Uid, GID: cred.Gid, PID: cred.Pid}, nil
}
