package wal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A disk is the system calls that change what is on it; tests interrupt them.
type disk interface {
	Create(name string) (file, error) // empty
	Rename(from, to string) error
	SyncFolder(name string) error
}

type file interface {
	Write(b []byte) (int, error)
	Sync() error
	Close() error
}

// system is the disk of the host.
type system struct{}

func (system) Create(name string) (file, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

func (system) Rename(from, to string) error { return os.Rename(from, to) }

func (system) SyncFolder(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// makeFolder makes dir, and sees that its name outlives a power cut.
func makeFolder(dir string, d disk) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return d.SyncFolder(filepath.Dir(dir))
}

// ErrLocked is in the error of Open while another process has the folder.
var ErrLocked = errors.New("another process uses it")

// lockFolder keeps other processes out until the file is closed, which the kernel does when this one ends.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, fmt.Errorf("data folder %s: %w; each pgwatch needs its own", dir, err)
	}
	return f, nil
}
