// Package part keeps one program of the crew running: when it ends, it is started again.
package part

import (
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/pgcrew/pgcrew/common/exit"
)

// How long a part waits before it is started again: twice as long each time, and briefly again when it has run for the
// longest wait.
const (
	firstWait   = 100 * time.Millisecond
	longestWait = 10 * time.Second
)

// A Process is a program that was started.
type Process interface {
	PID() int
	Signal(syscall.Signal) // of no effect when it has ended
	Ready() <-chan struct{}
	Done() <-chan struct{} // closed when it has ended
	Status() (code int, text string)
}

// A RefusedError says that a part does not take its configuration: trying again will not help.
type RefusedError struct{ Name string }

// Error implements error.
func (e *RefusedError) Error() string {
	return e.Name + " does not take the configuration; what is wrong stands in the log"
}

// ExitStatus is that of a wrong configuration.
func (e *RefusedError) ExitStatus() int { return exit.Usage }

// A Part is one program.
type Part struct {
	Name  string
	Fixed bool // the program reads its files at its start only, and SIGHUP would end it
	start func() (Process, error)
	log   *slog.Logger
	ready chan struct{} // closed when it was ready once
	done  chan struct{} // closed when Run has returned

	mu      sync.Mutex
	process Process // nil while none runs
	serves  bool    // the process has said that it is ready
	hangup  bool    // it gets a SIGHUP when it has
	since   time.Time
	starts  int
	retired chan struct{} // closed when it is not to be started again
}

// New returns a part that start starts. Run is called once.
func New(name string, start func() (Process, error), log *slog.Logger) *Part {
	return &Part{Name: name, start: start, log: log, ready: make(chan struct{}), done: make(chan struct{}), retired: make(chan struct{})}
}

// Ready is closed when the part was ready for the first time.
func (p *Part) Ready() <-chan struct{} { return p.ready }

// Done is closed when the part has ended for good.
func (p *Part) Done() <-chan struct{} { return p.done }

// Run keeps the program running until Retire, and then waits for its end. The error is a *RefusedError when it ended with
// the status of a wrong configuration before it was ever ready.
func (p *Part) Run() error {
	defer close(p.done)
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		began := time.Now()
		code, text := p.once()
		if p.isRetired() {
			return nil
		}
		if code == exit.Usage && !p.wasReady() {
			return &RefusedError{p.Name}
		}
		if time.Since(began) >= longestWait {
			wait = firstWait
		}
		p.log.Error("a part has ended and is started again", "part", p.Name, "how", text, "wait_ms", wait)
		select {
		case <-time.After(wait):
		case <-p.retired:
		}
	}
}

// once runs the program until it ends, and tells how that was.
func (p *Part) once() (code int, text string) {
	process, err := p.begin()
	if err != nil {
		return exit.Failed, err.Error()
	}
	p.watch(process)
	return process.Status()
}

var errRetired = errors.New("it is to end")

// begin starts the program unless the part is retired.
func (p *Part) begin() (Process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isRetired() {
		return nil, errRetired
	}
	p.starts++
	p.since = time.Now()
	process, err := p.start()
	if err != nil {
		return nil, err
	}
	p.process = process
	p.log.Info("a part has started", "part", p.Name, "pid", process.PID())
	return process, nil
}

// watch waits for the end of the program.
func (p *Part) watch(process Process) {
	select {
	case <-process.Ready():
		p.nowServes(process)
		<-process.Done()
	case <-process.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.process, p.serves, p.hangup = nil, false, false
}

func (p *Part) nowServes(process Process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serves = true
	if !p.wasReady() {
		close(p.ready)
	}
	if p.hangup {
		p.hangup = false
		process.Signal(syscall.SIGHUP)
	}
}

func (p *Part) wasReady() bool  { return closed(p.ready) }
func (p *Part) isRetired() bool { return closed(p.retired) }

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Reload makes the program read its configuration again. One that does not serve yet, and may not be prepared for the
// signal, gets it when it does. A fixed one stays as it is.
func (p *Part) Reload() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.process == nil, p.Fixed:
	case p.serves:
		p.process.Signal(syscall.SIGHUP)
	default:
		p.hangup = true
	}
}

// Retire says that the program is not to be started again when it ends.
func (p *Part) Retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isRetired() {
		close(p.retired)
	}
}

// Signal sends a signal to the program when it runs.
func (p *Part) Signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != nil {
		p.process.Signal(s)
	}
}

// State is what a person wants to know of a part.
type State struct {
	Name     string    `json:"name"`
	PID      int       `json:"pid,omitempty"` // absent while it does not run
	Ready    bool      `json:"ready"`
	Restarts int       `json:"restarts"`
	Since    time.Time `json:"since"` // of the last start
}

// State returns it.
func (p *Part) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := State{Name: p.Name, Ready: p.serves, Restarts: max(p.starts-1, 0), Since: p.since}
	if p.process != nil {
		s.PID = p.process.PID()
	}
	return s
}
