// Package logs takes what the parts write to standard error to where log_destination and logging_collector say: standard
// error, syslog, or files that begin anew by age and size.
package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// A Log takes lines from all parts.
type Log struct {
	stderr io.Writer
	now    func() time.Time
	wait   sync.WaitGroup // of Take

	mu       sync.Mutex
	settings Settings
	file     *file   // nil without the collector
	system   *system // nil without syslog
	starting bool    // errors go to standard error, too
	lost     int     // lines that could not be written
	reason   error
	pipes    map[*os.File]bool // that are read
}

// Open prepares for lines. stderr is where lines for standard error go; now is the local time, by which files are named.
// Until Started, errors go to stderr too, wherever other lines go.
func Open(settings Settings, stderr io.Writer, now func() time.Time) (*Log, error) {
	l := &Log{stderr: stderr, now: now, starting: true, pipes: map[*os.File]bool{}}
	return l, l.apply(settings)
}

// Reload takes other settings. With an error the old ones stay in force. Whether there are files stays as it was.
func (l *Log) Reload(settings Settings) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	settings.Collector = l.settings.Collector
	return l.apply(settings)
}

func (l *Log) apply(settings Settings) error {
	var opened *file
	if settings.Collector && settings.Stderr {
		var err error
		if opened, err = newFile(settings.Files, l.now); err != nil {
			return err
		}
	}
	l.shut()
	l.file, l.settings = opened, settings
	if settings.Syslog {
		l.system = &system{facility: facilities[settings.Facility], ident: settings.Ident}
	}
	return nil
}

// shut closes what lines go to.
func (l *Log) shut() {
	if l.file != nil {
		l.file.close()
	}
	if l.system != nil {
		l.system.close()
	}
	l.file, l.system = nil, nil
}

// Started says that standard error is no longer read by the person who started the crew.
func (l *Log) Started() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.starting = false
}

// ErrNoCollector is what Rotate returns without log files, in Pgpool-II's words.
var ErrNoCollector = errors.New("logging_collector is disabled")

// Rotate begins a new log file.
func (l *Log) Rotate() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return ErrNoCollector
	}
	return l.file.rotate()
}

// File returns the name of the log file; "" when there is none.
func (l *Log) File() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return ""
	}
	return l.file.name
}

// Take reads lines from r in the background, until its end or Close.
func (l *Log) Take(from Source, r *os.File) {
	l.mu.Lock()
	l.pipes[r] = true
	l.mu.Unlock()
	l.wait.Go(func() {
		lines(r, func(line []byte) { l.line(from, line) })
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.pipes, r)
		r.Close()
	})
}

// Writer returns a writer that takes one line with each call.
func (l *Log) Writer(from Source) io.Writer { return writer{l, from} }

type writer struct {
	log  *Log
	from Source
}

// Write implements io.Writer.
func (w writer) Write(b []byte) (int, error) {
	w.log.line(w.from, bytes.TrimSuffix(b, newline))
	return len(b), nil
}

// line writes a line to where it belongs. What could not be written is counted, and told when that is possible again.
func (l *Log) line(from Source, line []byte) {
	text, level := from.mark(line), severity(line)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost > 0 && l.write(slog.LevelError, fmt.Sprintf("pgpool: error: %d lines of the log are lost: %v", l.lost, l.reason)) == nil {
		l.lost = 0
	}
	if err := l.write(level, text); err != nil {
		l.lost, l.reason = l.lost+1, err
	}
}

func (l *Log) write(level slog.Level, text string) error {
	var errs []error
	switch {
	case l.file != nil:
		errs = append(errs, l.file.line(text))
	case l.settings.Stderr:
		_, err := io.WriteString(l.stderr, text+"\n")
		errs = append(errs, err)
	}
	if l.system != nil {
		errs = append(errs, l.system.line(level, text))
	}
	if l.starting && level >= slog.LevelError && (l.file != nil || !l.settings.Stderr) {
		io.WriteString(l.stderr, text+"\n")
	}
	return errors.Join(errs...)
}

// closeLimit is how long Close waits for programs that a part has left behind and that still have its standard error.
const closeLimit = time.Second

// Close writes what the parts, which have ended, have left, and closes everything.
func (l *Log) Close() {
	done := make(chan struct{})
	go func() { l.wait.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(closeLimit):
		l.mu.Lock()
		for r := range l.pipes {
			r.SetReadDeadline(time.Now())
		}
		l.mu.Unlock()
		<-done
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut()
}
