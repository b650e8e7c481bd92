package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"syscall"
	"time"
)

// A Command is one run of a hook.
type Command struct {
	Name  string        // the parameter, such as failover_command
	Text  string        // for /bin/sh -c, expanded
	Env   []string      // the whole environment
	Stdin []byte        // what the command may read
	Limit time.Duration // then it is killed with everything that it started
}

// longestLine is how much of a line of output is logged, in bytes.
const longestLine = 4096

// Run runs the command to its end and logs each line of its output. The error says how it ended when that was not
// with status 0. When ctx ends or the limit is over, its whole process group is killed.
func (c Command) Run(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Limit, fmt.Errorf("it ran longer than %v and was killed", c.Limit))
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", c.Text)
	cmd.Env = c.Env
	cmd.Stdin = bytes.NewReader(c.Stdin)
	out := &lines{log: log.With("hook", c.Name)}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	// A daemon that the command leaves behind holds its output open; it is not waited for.
	cmd.WaitDelay = time.Second
	log.Info("a hook runs", "hook", c.Name, "command", c.Text)
	begin := time.Now()
	err := cmd.Run()
	out.flush()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if ctx.Err() != nil && err != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", c.Name, err)
		log.Warn("a hook failed", "hook", c.Name, "took_ms", time.Since(begin), "err", err)
		return err
	}
	log.Info("a hook ended", "hook", c.Name, "took_ms", time.Since(begin))
	return nil
}

// lines logs what is written to it, line by line. One goroutine writes to it.
type lines struct {
	log  *slog.Logger
	rest []byte
}

var _ io.Writer = (*lines)(nil)

func (l *lines) Write(b []byte) (int, error) {
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			l.keep(b)
			return n, nil
		}
		l.keep(b[:i])
		l.flush()
		b = b[i+1:]
	}
}

func (l *lines) keep(b []byte) {
	l.rest = append(l.rest, b[:min(len(b), longestLine-len(l.rest))]...)
}

func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.log.Info(string(bytes.ToValidUTF8(l.rest, []byte("?"))))
		l.rest = l.rest[:0]
	}
}
