// Package command runs the commands by which Pgpool-II moves and announces a virtual address: if_up_cmd,
// if_down_cmd and arping_cmd.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// limit is how long a command of pgpool.conf may run.
const limit = 5 * time.Second

// longestOutput is how much of a command's output is kept for the log, in bytes.
const longestOutput = 1024

// placeholder stands for the address.
const placeholder = "$_IP_$"

// A Command is one of them.
type Command struct {
	Name  string        // the parameter
	Text  string        // for /bin/sh -c
	Env   []string      // beside the environment of pgvip
	Args  []string      // $1 and so on, when Text uses them
	Limit time.Duration // then it is killed with everything that it started
}

// New makes a Command for an address. As in Pgpool-II $_IP_$ is the address and folder comes before a program that is
// named without one; when the program is not there, as with sudo and /sbin, the shell looks for it in PATH.
func New(name, folder, text string, ip netip.Addr) Command {
	text = strings.TrimSpace(strings.ReplaceAll(text, placeholder, ip.String()))
	program, _, _ := strings.Cut(text, " ")
	if !strings.Contains(program, "/") && folder != "" {
		if path := filepath.Join(folder, program); executable(path) == nil {
			text = filepath.Join(folder, text)
		}
	}
	return Command{Name: name, Text: text, Limit: limit}
}

// Device returns the interface that a command line of ip or arping names, or "".
func Device(text string) string {
	words := strings.Fields(text)
	for i, word := range words {
		if (word == "dev" || word == "-I") && i+1 < len(words) {
			return words[i+1]
		}
	}
	return ""
}

// Check says why the program of the command, or the one that it has sudo run, cannot be executed by this user.
func (c Command) Check() error {
	words := strings.Fields(c.Text)
	if len(words) == 0 {
		return fmt.Errorf("%s is empty", c.Name)
	}
	if err := executable(words[0]); err != nil {
		return err
	}
	if filepath.Base(words[0]) == "sudo" {
		for _, word := range words[1:] {
			if !strings.HasPrefix(word, "-") {
				return executable(word)
			}
		}
	}
	return nil
}

// executable says why a program cannot be executed.
func executable(program string) error {
	_, err := exec.LookPath(program)
	return err
}

// Run runs the command to its end. The error names it, and holds what it wrote.
func (c Command) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Limit, fmt.Errorf("it ran longer than %v and was killed", c.Limit))
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", c.Text, c.Name}, c.Args...)...)
	cmd.Env = append(cmd.Environ(), c.Env...)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 500 * time.Millisecond // what it leaves behind may hold its output open
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if words := strings.TrimSpace(out.String()); words != "" {
		return fmt.Errorf("%s %q: %w: %s", c.Name, c.Text, err, words)
	}
	return fmt.Errorf("%s %q: %w", c.Name, c.Text, err)
}

// output keeps the beginning of what is written to it.
type output struct{ kept bytes.Buffer }

func (o *output) Write(b []byte) (int, error) {
	o.kept.Write(b[:min(len(b), longestOutput-o.kept.Len())])
	return len(b), nil
}

// String returns it on one line.
func (o *output) String() string {
	return strings.ReplaceAll(strings.TrimSpace(string(bytes.ToValidUTF8(o.kept.Bytes(), []byte("?")))), "\n", "; ")
}
