// Package arbiter asks trusted_servers, and the kernel about network interfaces, whether this host's network works.
//
// A host that answers cannot tell which half of a cut crew should go on. But a node that reaches none of them is surely
// the one that is cut off.
package arbiter

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The words of report.Report's Arbiters.
const (
	Reached = "reached"
	Lost    = "lost"
)

// Settings is who is asked and how.
type Settings struct {
	Servers    []string      // trusted_servers; none: only the interfaces count
	Interfaces []string      // wd_monitoring_interfaces_list; none: only the servers count
	Command    string        // trusted_server_command; %h is the server
	Path       string        // ping_path: where the shell looks first
	Every      time.Duration // from one round to the next
	Limit      time.Duration // for one answer
}

// Watch asks all servers at once, again and again, and calls tell with each result until ctx ends: Reached as soon as one of a round has
// answered, Lost when none did or none of the interfaces is up.
func (s Settings) Watch(ctx context.Context, tell func(word string)) {
	for ctx.Err() == nil {
		round := time.After(s.Every)
		if word := s.ask(ctx); ctx.Err() == nil {
			tell(word)
		}
		select {
		case <-ctx.Done():
		case <-round:
		}
	}
}

// ask is one round.
func (s Settings) ask(ctx context.Context) string {
	switch {
	case len(s.Interfaces) > 0 && !Up(s.Interfaces):
		return Lost
	case len(s.Servers) == 0:
		return Reached
	}
	ctx, cancel := context.WithTimeout(ctx, s.Limit)
	defer cancel()
	var wg sync.WaitGroup
	reached := make(chan struct{}, len(s.Servers))
	for _, server := range s.Servers {
		wg.Go(func() {
			if s.command(ctx, server).Run() == nil {
				reached <- struct{}{}
				cancel()
			}
		})
	}
	wg.Wait()
	if len(reached) > 0 {
		return Reached
	}
	return Lost
}

func (s Settings) command(ctx context.Context, server string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", strings.ReplaceAll(s.Command, "%h", server))
	cmd.Env = append(cmd.Environ(), fmt.Sprintf("PATH=%s:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", s.Path))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}
