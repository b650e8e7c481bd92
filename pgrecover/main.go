// Pgrecover makes a server a standby of the primary again, in steps that it reports as JSON lines.
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
)

type cli struct {
	tool.Flags

	Run      runCmd          `cmd:"" help:"Make a server a standby of the primary, whatever it takes, and report each step as a JSON line."`
	Plan     planCmd         `cmd:"" help:"Say what run would do, and why."`
	Follow   followCmd       `cmd:"" help:"Make a server a standby of another one, and report each step as a JSON line. What its upstream was may be on standard input: the recruit step of pgpromote."`
	Start    startCmd        `cmd:"" help:"Start a server that does not run, with the command line it had."`
	DropSlot dropSlotCmd     `cmd:"" help:"Drop the slot that a server which was taken out of the configuration has left on the primary."`
	Check    checkCmd        `cmd:"" help:"Read the configuration, log in to every server, print every problem, and exit."`
	Version  tool.VersionCmd `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], tool.System())) }

func run(args []string, w tool.World) int {
	var c cli
	return tool.Run("pgrecover", "PGRECOVER", "Makes a server a standby of the primary.", &c, &c.Flags, args, w)
}

// coded gives an error the exit status that tells what a script has to know: that nothing was touched, or that it took too long.
func coded(err error) error {
	var refusal follow.Refusal
	var gone follow.Gone
	switch {
	case errors.As(err, &refusal) || errors.As(err, &gone) && gone.Untouched:
		return tool.Coded{Err: err, Code: exit.Not}
	case errors.Is(err, context.DeadlineExceeded):
		return tool.Coded{Err: err, Code: exit.Timeout}
	}
	return err
}

func journal(t *tool.Tool) *step.Journal { return &step.Journal{W: t.Out, Now: time.Now} }

// servers are the backends of the configuration.
func servers(t *tool.Tool) ([]backend.Server, error) {
	c, err := t.Config()
	if err != nil {
		return nil, err
	}
	list, err := backend.Servers(c, t.Name)
	if err != nil {
		return nil, tool.UsageError{Err: err}
	}
	return list, nil
}
