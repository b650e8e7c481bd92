// Package lock keeps two pgrecover from working on one data directory.
package lock

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Directory takes the lock of a data directory, or fails at once. The kernel forgets it with the process.
func Directory(dir string) (release func(), err error) {
	if dir == "" {
		return nil, errors.New("no data directory is configured: set backend_data_directory")
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: another pgrecover works on it: wait for its end: %w", dir, err)
	}
	return func() { d.Close() }, nil
}
