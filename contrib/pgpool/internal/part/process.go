package part

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// A Program is what Start starts.
type Program struct {
	Path string
	Args []string
	Env  []string
	// Log takes over what the program writes to standard error, and returns at once.
	Log func(pid int, r *os.File)
}

// program is a Process of this host.
type program struct {
	cmd   *exec.Cmd
	ready chan struct{}
	done  chan struct{}
}

// Start starts a program that ends with this process, and learns from it by systemd's protocol (sd_notify(3)) when it is
// ready. It is out of reach of the terminal's signals: in which order the parts end is decided here.
func Start(p Program) (Process, error) {
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: ""})
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		notify.Close()
		return nil, err
	}
	defer w.Close()
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Env = append(slices.Clip(p.Env), "NOTIFY_SOCKET="+notify.LocalAddr().String()) // Env is that of other parts, too
	cmd.Stderr = w
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	x := &program{cmd: cmd, ready: make(chan struct{}), done: make(chan struct{})}
	listened := make(chan struct{})
	go func() { x.listen(notify); close(listened) }()
	if err := x.start(func() { notify.Close(); <-listened }); err != nil {
		r.Close()
		return nil, err
	}
	p.Log(cmd.Process.Pid, r)
	return x, nil
}

// start starts the program and waits for it from one thread, which the kernel takes for its parent: when that ends, the
// program gets the signal of Pdeathsig (prctl(2)). end is called when the program has ended or cannot be started.
func (x *program) start(end func()) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := x.cmd.Start()
		if err == nil {
			started <- nil
			x.cmd.Wait() // its error is in ProcessState
		}
		end()
		close(x.done)
		if err != nil {
			started <- err
		}
	}()
	return <-started
}

// listen waits until the program is ready.
func (x *program) listen(notify *net.UnixConn) {
	text := make([]byte, 4096)
	for told := false; ; {
		n, err := notify.Read(text)
		if err != nil {
			return
		}
		for line := range strings.Lines(string(text[:n])) {
			if strings.TrimSpace(line) == "READY=1" && !told {
				told = true
				close(x.ready)
			}
		}
	}
}

// PID returns the process number.
func (x *program) PID() int { return x.cmd.Process.Pid }

// Signal sends a signal.
func (x *program) Signal(s syscall.Signal) { x.cmd.Process.Signal(s) }

// Ready is closed when the program has said that it is.
func (x *program) Ready() <-chan struct{} { return x.ready }

// Done is closed when the program has ended.
func (x *program) Done() <-chan struct{} { return x.done }

// Status tells how it ended. It is called after Done.
func (x *program) Status() (int, string) {
	status := x.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal()), fmt.Sprintf("killed by signal %d (%v)", int(status.Signal()), status.Signal())
	}
	return status.ExitStatus(), fmt.Sprintf("exit status %d", status.ExitStatus())
}
