// Package pidfile is the file with the process number of the program that runs: pid_file_name.
//
// A process number alone means little, because it outlives its process. The program therefore holds a lock on the file
// for as long as it lives, which the kernel ends with it.
package pidfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A RunningError says that a program holds the file already.
type RunningError struct {
	Path string
	PID  int
}

// Error implements error.
func (e *RunningError) Error() string {
	return fmt.Sprintf("another pgpool runs already, as process %d (stop it first, or give this one another pid_file_name than %s)", e.PID, e.Path)
}

// ErrNotRunning says that nobody holds the file.
var ErrNotRunning = errors.New("pgpool does not run")

// A File is held by this process.
type File struct{ f *os.File }

// Create writes the number of this process into the file at path and holds it. A file that a dead program has left is
// taken over. The error is a *RunningError when its program lives.
func Create(path string) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, unwritable(err)
	}
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, unwritable(err)
		}
		held, err := hold(f, path)
		if held {
			if err = write(f); err == nil {
				return &File{f}, nil
			}
		}
		f.Close()
		if err != nil {
			return nil, err
		}
	}
}

func unwritable(err error) error {
	return fmt.Errorf("pid_file_name: %w (set it to a file in a folder that this user may write to)", err)
}

// hold takes the lock. It is false when the file is no longer the one at path: its program removed it meanwhile.
func hold(f *os.File, path string) (bool, error) {
	pid, err := number(f)
	if err != nil {
		return false, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return false, &RunningError{path, pid}
	} else if err != nil {
		return false, fmt.Errorf("lock %s: %w", path, err)
	}
	if pid != os.Getpid() && isPgpool(pid) {
		return false, &RunningError{path, pid}
	}
	ours, err := f.Stat()
	if err != nil {
		return false, err
	}
	now, err := os.Stat(path)
	return err == nil && os.SameFile(ours, now), nil
}

// isPgpool tells whether a process is one of Pgpool-II, which locks nothing. One that has ended, and whose parent has not
// looked yet, is none (proc(5)).
func isPgpool(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	state, is := strings.CutPrefix(string(text), fmt.Sprintf("%d (pgpool) ", pid))
	return err == nil && is && !strings.HasPrefix(state, "Z")
}

func write(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// Remove removes the file and lets go of it. It is called last: who waits for the end of the program waits for this.
func (f *File) Remove() error {
	defer f.f.Close()
	return os.Remove(f.f.Name())
}

// Find returns the process that holds the file at path. The error is ErrNotRunning when there is none.
func Find(path string) (int, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w: there is no file %s", ErrNotRunning, path)
	}
	if err != nil {
		return 0, fmt.Errorf("pid_file_name: %w", err)
	}
	defer f.Close()
	pid, err := number(f)
	if err != nil {
		return 0, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) && pid > 0 || isPgpool(pid) {
		return pid, nil
	}
	return 0, fmt.Errorf("%w: process %d of %s has ended", ErrNotRunning, pid, path)
}

// number reads the process number; 0 for an empty file. Pgpool-II ends it with a zero byte.
func number(f *os.File) (int, error) {
	text := make([]byte, 64)
	n, _ := f.ReadAt(text, 0) // an error but the end of the file leaves it empty, and the file is written next
	word := string(bytes.Trim(text[:n], "\x00 \r\n\t"))
	if word == "" {
		return 0, nil
	}
	pid, err := strconv.Atoi(word)
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("pid_file_name: %s holds %.20q and no process number (remove it when no pgpool runs)", f.Name(), word)
	}
	return pid, nil
}
