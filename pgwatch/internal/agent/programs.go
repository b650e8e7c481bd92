package agent

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// Programs are Hands that run pgpromote and pgrecover. Their standard output is one JSON object for each step.
type Programs struct {
	Promoter  string            // path of pgpromote
	Recoverer string            // path of pgrecover
	Config    string            // configuration file for both
	Local     func(id int) bool // the backend is on this host
	Log       *slog.Logger

	rests sync.WaitGroup // programs that have done what was wanted, and go on
}

// restLimit is how long a program may go on after that.
const restLimit = 10 * time.Minute

// Close waits for programs that go on, until ctx ends.
func (p *Programs) Close(ctx context.Context) {
	ended := make(chan struct{})
	go func() { p.rests.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// step is what a line of them says.
type step struct {
	Step   string          `json:"step"`
	OK     bool            `json:"ok"`
	Err    string          `json:"err"`
	Detail json.RawMessage `json:"detail"`
	line   []byte
}

// Recruit implements Hands.
func (p *Programs) Recruit(ctx context.Context, backend int) (upstream json.RawMessage, timeline uint32, end uint64, err error) {
	var at struct {
		Timeline uint32 `json:"timeline"`
		Received uint64 `json:"received"`
	}
	var before struct {
		PrimaryConnInfo string `json:"primary_conninfo"`
	}
	err = p.run(ctx, nil, func(s step) bool {
		switch s.Step {
		case "recruit":
			// Of a standby that was cut off already there is nothing to keep.
			if json.Unmarshal(s.Detail, &before) == nil && before.PrimaryConnInfo != "" {
				upstream = bytes.Clone(s.line)
			}
		case "position":
			return s.OK && json.Unmarshal(s.Detail, &at) == nil
		}
		return false
	}, p.Promoter, p.args("recruit", backend)...)
	return upstream, at.Timeline, at.Received, err
}

// Release implements Hands.
func (p *Programs) Release(ctx context.Context, backend int, upstream json.RawMessage) error {
	return p.run(ctx, upstream, nil, p.Promoter, p.args("release", backend)...)
}

// Promote implements Hands. pgpromote goes on with a checkpoint after it, which nobody waits for.
func (p *Programs) Promote(ctx context.Context, backend int, epoch uint64) error {
	args := append(p.args("run", backend), "--force", "--epoch", strconv.FormatUint(epoch, 10))
	return p.run(ctx, nil, func(s step) bool { return s.Step == "done" && s.OK }, p.Promoter, args...)
}

// Follow implements Hands.
func (p *Programs) Follow(ctx context.Context, backend, to int, upstream json.RawMessage) error {
	return p.run(ctx, upstream, nil, p.Recoverer, append(p.args("follow", backend), "--to", strconv.Itoa(to))...)
}

// Recover implements Hands. A script runs on the primary's host, wherever it is called from.
func (p *Programs) Recover(ctx context.Context, o report.Order, tell func(Progress)) error {
	args := []string{"run", "--config", p.Config, "--node", strconv.Itoa(o.Backend), "--to", strconv.Itoa(o.To), "--method", o.Method,
		"--epoch", strconv.FormatUint(o.Epoch, 10)}
	if p.Local(o.Backend) {
		args = append(args, "--local")
	}
	err := p.run(ctx, nil, func(s step) bool {
		tell(progress(s))
		return s.Step == "done" && s.OK
	}, p.Recoverer, args...)
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ended.ExitCode() == exit.Not {
		return Refusal{err}
	}
	return err
}

// progress is what a step of pgrecover run says. The detail of some is a text, and some have bytes of their own meaning.
func progress(s step) Progress {
	g := Progress{Step: s.Step}
	switch s.Step {
	case "plan":
		var d struct {
			Method string `json:"method"`
		}
		if json.Unmarshal(s.Detail, &d) == nil {
			g.Method = d.Method
		}
	case "progress":
		var d struct {
			Bytes   int64   `json:"bytes"`
			Total   int64   `json:"total"`
			Percent float64 `json:"percent"`
		}
		g.Step = ""
		if json.Unmarshal(s.Detail, &d) == nil {
			g.Bytes, g.Total, g.Percent = d.Bytes, d.Total, d.Percent
		}
	case "divergent":
		var d report.Discarded
		if json.Unmarshal(s.Detail, &d) == nil { // else it could not be saved, and the detail says why
			g.Discarded = d
		}
	}
	return g
}

// DropSlot drops the slot that a server which is no more in the configuration has left on the primary.
func (p *Programs) DropSlot(ctx context.Context, host string, port, primary int) error {
	return p.run(ctx, nil, nil, p.Recoverer, "drop-slot", "--config", p.Config, "--host", host, "--port", strconv.Itoa(port), "--to", strconv.Itoa(primary))
}

// Start implements Hands.
func (p *Programs) Start(ctx context.Context, backend int) error {
	return p.run(ctx, nil, nil, p.Recoverer, p.args("start", backend)...)
}

func (p *Programs) args(command string, backend int) []string {
	args := []string{command, "--config", p.Config, "--node", strconv.Itoa(backend)}
	if p.Local(backend) {
		args = append(args, "--local")
	}
	return args
}

// run runs a program and reads its steps until it ends, or until enough says that the wanted one is done.
func (p *Programs) run(ctx context.Context, stdin []byte, enough func(step) bool, program string, args ...string) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	broken := context.AfterFunc(ctx, end)
	cmd := exec.CommandContext(life, program, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		end()
		return err
	}
	name := cmd.Path + " " + args[0]
	done, failure := p.steps(out, enough, name)
	if done {
		broken()
		limit := time.AfterFunc(restLimit, end)
		p.rests.Go(func() {
			io.Copy(io.Discard, out)
			cmd.Wait()
			limit.Stop()
			end()
		})
		return nil
	}
	err = cmd.Wait()
	end()
	switch {
	case err == nil && enough == nil:
		return nil
	case err == nil:
		return fmt.Errorf("%s ended without saying that it is done", name)
	case complaint.Len() > 0:
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(complaint.String()))
	case failure != "":
		return fmt.Errorf("%s: %s", name, failure)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// steps reads steps. failure is the newest error among them.
func (p *Programs) steps(out io.Reader, enough func(step) bool, name string) (done bool, failure string) {
	in := bufio.NewScanner(out)
	in.Buffer(nil, 64<<10)
	for in.Scan() {
		s := step{line: in.Bytes()}
		if err := json.Unmarshal(s.line, &s); err != nil {
			p.Log.Warn("a line that is no step", "program", name, "err", err)
			continue
		}
		level := slog.LevelInfo
		if s.Step == "progress" {
			level = slog.LevelDebug
		}
		p.Log.Log(context.Background(), level, "a step", "program", name, "step", s.Step, "ok", s.OK, "err", s.Err)
		if s.Err != "" {
			failure = s.Step + ": " + s.Err
		}
		if enough != nil && enough(s) {
			return true, ""
		}
	}
	if err := in.Err(); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		p.Log.Warn("its steps cannot be read", "program", name, "err", err)
	}
	return false, failure
}
