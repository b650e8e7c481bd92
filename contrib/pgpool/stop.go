package main

import (
	"context"
	"encoding/json"
	"fmt"
	"syscall"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/crew"
	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/pidfile"
)

// signals are how a mode is ordered, as with Pgpool-II.
var signals = map[crew.Mode]syscall.Signal{crew.Smart: syscall.SIGTERM, crew.Fast: syscall.SIGINT, crew.Immediate: syscall.SIGQUIT}

// pidPath is where the process number is written.
func pidPath(c *config.Config) string { return c.Beside(c.String("pid_file_name")) }

// send sends a signal to the pgpool that runs, and returns a descriptor of it.
func send(t *tool.Tool, s syscall.Signal) (pid, fd int, err error) {
	c, err := t.Config()
	if err != nil {
		return 0, 0, err
	}
	if pid, err = pidfile.Find(pidPath(c)); err != nil {
		return 0, 0, err
	}
	if fd, err = unix.PidfdOpen(pid, 0); err != nil {
		return 0, 0, fmt.Errorf("find process %d: %w", pid, err)
	}
	if err := unix.PidfdSendSignal(fd, s, nil, 0); err != nil {
		unix.Close(fd)
		return 0, 0, fmt.Errorf("send a signal to process %d: %w", pid, err)
	}
	return pid, fd, nil
}

// stopCmd ends the crew.
type stopCmd struct{}

// Run waits for the end as long as it takes, as Pgpool-II does.
func (stopCmd) Run(ctx context.Context, t *tool.Tool, c *cli) error {
	mode, err := crew.ParseMode(c.Mode)
	if err != nil {
		return tool.UsageError{Err: err}
	}
	pid, fd, err := send(t, signals[mode])
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	fmt.Fprintf(t.Err, "stop request sent to pgpool (pid: %d). waiting for termination...", pid)
	for {
		// A descriptor of a process can be read when that has ended.
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Second.Milliseconds()))
		switch {
		case n > 0:
			fmt.Fprintln(t.Err, "done.")
			return nil
		case err != nil && err != unix.EINTR:
			return fmt.Errorf("wait for process %d: %w", pid, err)
		case ctx.Err() != nil:
			fmt.Fprintln(t.Err)
			return fmt.Errorf("process %d has not ended yet", pid)
		}
		fmt.Fprint(t.Err, ".")
	}
}

// reloadCmd makes all parts read their files again.
type reloadCmd struct{}

// Run sends the signal; what comes of it stands in the log.
func (reloadCmd) Run(t *tool.Tool) error {
	_, fd, err := send(t, syscall.SIGHUP)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// callLimit is how long the pgpool that runs may take to answer.
const callLimit = 10 * time.Second

// ask asks the pgpool that runs.
func ask(ctx context.Context, t *tool.Tool, op string, result any) error {
	c, err := t.Config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := tool.Ask(ctx, c, socketName, op, nil, result); err != nil {
		return fmt.Errorf("%w (does pgpool run with this configuration?)", err)
	}
	return nil
}

// rotateCmd begins a new log file.
type rotateCmd struct{}

// Run asks the pgpool that runs.
func (rotateCmd) Run(ctx context.Context, t *tool.Tool) error { return ask(ctx, t, "rotate", nil) }

// statusCmd shows the parts.
type statusCmd struct {
	JSON bool `short:"j" name:"json" help:"Print one JSON value instead of a table."`
}

// Run asks the pgpool that runs.
func (s statusCmd) Run(ctx context.Context, t *tool.Tool) error {
	var st status
	if err := ask(ctx, t, "status", &st); err != nil {
		return err
	}
	if s.JSON {
		e := json.NewEncoder(t.Out)
		e.SetIndent("", "  ")
		return e.Encode(st)
	}
	w := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "part\tpid\tready\trestarts\tsince")
	for _, p := range st.Parts {
		fmt.Fprintf(w, "%s\t%d\t%t\t%d\t%s\n", p.Name, p.PID, p.Ready, p.Restarts, p.Since.Local().Format(time.DateTime))
	}
	return w.Flush()
}
