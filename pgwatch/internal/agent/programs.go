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
	err = p.run(ctx, nil, func(s step) bool {
		switch s.Step {
		case "recruit":
			upstream = bytes.Clone(s.line)
		case "position":
			err := json.Unmarshal(s.Detail, &at)
			return err == nil
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
		p.Log.Info("a step", "program", name, "step", s.Step, "ok", s.OK, "err", s.Err)
		if s.Err != "" {
			failure = s.Step + ": " + s.Err
		}
		if enough != nil && s.OK && enough(s) {
			return true, ""
		}
	}
	if err := in.Err(); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		p.Log.Warn("its steps cannot be read", "program", name, "err", err)
	}
	return false, failure
}
