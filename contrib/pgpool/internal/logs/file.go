package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-strftime"
)

// A file is the log file that is written, and the next ones. PostgreSQL's syslogger.c, which Pgpool-II's is made from,
// says when a new one begins: each time that a multiple of the age has passed on the local clock, and when it is too large.
type file struct {
	Files
	now  func() time.Time
	f    *os.File
	name string
	size int64
	next time.Time // when the age is reached; zero: never
	wait time.Time // no new file is tried before: the last one could not be made
}

// retry is how long the old file goes on when a new one cannot be made.
const retry = time.Minute

// newFile opens the file of now.
func newFile(settings Files, now func() time.Time) (*file, error) {
	f := &file{Files: settings, now: now}
	if err := os.MkdirAll(settings.Directory, 0o700); err != nil {
		return nil, fmt.Errorf("log_directory: %w", err)
	}
	if err := f.open(now(), false); err != nil {
		return nil, err
	}
	f.schedule()
	return f, nil
}

// line writes one line, in a new file when it is time for one.
func (f *file) line(text string) error {
	if err := f.turn(); err != nil {
		f.wait = f.now().Add(retry)
		text = fmt.Sprintf("pgpool: error: the log goes on in this file: %v\n%s", err, text)
	}
	n, err := f.f.WriteString(text + "\n")
	f.size += int64(n)
	return err
}

// turn begins a new file when the old one is too old or too large.
func (f *file) turn() error {
	now := f.now()
	switch {
	case now.Before(f.wait):
	case !f.next.IsZero() && !now.Before(f.next):
		at := boundary(now, f.Age)
		if err := f.open(at, f.Truncate && f.path(at) != f.name); err != nil {
			return err
		}
		f.schedule()
	case f.Size > 0 && f.size >= f.Size && f.path(now) != f.name:
		return f.open(now, false)
	}
	return nil
}

// path is the name of a file that begins at t.
func (f *file) path(t time.Time) string {
	return filepath.Join(f.Directory, strftime.Format(f.Name, t))
}

// schedule notes when the age is reached.
func (f *file) schedule() {
	f.next = time.Time{}
	if f.Age > 0 {
		f.next = boundary(f.now(), f.Age).Add(f.Age)
	}
}

// boundary is the last multiple of age before t, counted on the local clock.
func boundary(t time.Time, age time.Duration) time.Time {
	_, east := t.Zone()
	local := time.Duration(east) * time.Second
	return t.Add(local).Truncate(age).Add(-local)
}

// open goes on in the file that is named by t.
func (f *file) open(t time.Time, truncate bool) error {
	name, flags := f.path(t), os.O_WRONLY|os.O_CREATE|os.O_APPEND
	if truncate {
		flags |= os.O_TRUNC
	}
	_, statErr := os.Stat(name)
	opened, err := os.OpenFile(name, flags, f.Mode)
	if err != nil {
		return fmt.Errorf("log_filename: %w", err)
	}
	if errors.Is(statErr, fs.ErrNotExist) {
		opened.Chmod(f.Mode) // which the file mode mask may have cut
	}
	if f.f != nil {
		f.f.Close()
	}
	f.f, f.name, f.size = opened, name, 0
	if info, err := opened.Stat(); err == nil {
		f.size = info.Size()
	}
	return nil
}

// rotate begins a new file, or opens the same name again, whose file somebody may have moved away.
func (f *file) rotate() error { return f.open(f.now(), false) }

func (f *file) close() error { return f.f.Close() }
