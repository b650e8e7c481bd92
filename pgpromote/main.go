// Pgpromote makes one standby the primary, safely: the most advanced one unless told, in steps that it reports as JSON lines.
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
	"github.com/pgcrew/pgcrew/pgpromote/internal/promote"
)

type cli struct {
	tool.Flags

	Run     runCmd          `cmd:"" default:"withargs" help:"Promote a standby, and report each step as a JSON line."`
	Recruit recruitCmd      `cmd:"" help:"Cut a standby off from its upstream, and say what it has."`
	Release releaseCmd      `cmd:"" help:"Give a recruited standby the upstream back that it had: the recruit step on standard input."`
	Check   checkCmd        `cmd:"" help:"Read the configuration, log in to every server, print every problem, and exit."`
	Version tool.VersionCmd `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], tool.System())) }

func run(args []string, w tool.World) int {
	var c cli
	return tool.Run("pgpromote", "PGPROMOTE", "Makes a standby the primary.", &c, &c.Flags, args, w)
}

// runCmd promotes.
type runCmd struct {
	Node    int           `help:"Number of the backend; the most advanced standby when it is not given." default:"-1" placeholder:"N"`
	Epoch   uint64        `help:"Generation of the primary that it begins; refused when the cluster is there already. The next one when it is not given." placeholder:"N"`
	Timeout time.Duration `help:"For everything." default:"30s"`
	Force   bool          `help:"Also while it receives from a primary that lives."`
	DryRun  bool          `help:"Say what would be done."`
	Local   bool          `help:"The server is on this host: log in by its Unix socket, and use pg_ctl when it does not let us in."`
	Request bool          `help:"Read the request as one JSON object from standard input instead of these flags."`
}

// Run exits with 3 when the epoch is stale, so that a script can tell a refusal from a failure.
func (cmd runCmd) Run(ctx context.Context, t *tool.Tool) error {
	q := promote.Request{Epoch: cmd.Epoch, TimeoutMS: cmd.Timeout.Milliseconds(), Force: cmd.Force, DryRun: cmd.DryRun, Local: cmd.Local}
	if cmd.Node >= 0 {
		q.Node = &cmd.Node
	}
	if cmd.Request {
		var err error
		if q, err = promote.ReadRequest(t.In); err != nil {
			return tool.UsageError{Err: err}
		}
	}
	servers, err := servers(t, q.Local)
	if err != nil {
		return err
	}
	r := promote.Run{Request: q, Servers: servers, Journal: journal(t)}
	err = r.Promote(ctx)
	switch {
	case errors.Is(err, promote.ErrStale):
		return tool.Coded{Err: err, Code: exit.Not}
	case errors.Is(err, context.DeadlineExceeded):
		return tool.Coded{Err: err, Code: exit.Timeout}
	}
	return err
}

func journal(t *tool.Tool) *step.Journal { return &step.Journal{W: t.Out, Now: time.Now} }

// servers are the backends of the configuration, with the login of recovery_user.
func servers(t *tool.Tool, local bool) ([]promote.Server, error) {
	c, err := t.Config()
	if err != nil {
		return nil, err
	}
	all, err := backend.Servers(c, t.Name)
	if err != nil {
		return nil, tool.UsageError{Err: err}
	}
	var list []promote.Server
	for _, s := range all {
		if local {
			s = s.Local()
		}
		list = append(list, promote.Server{Server: s})
	}
	return list, nil
}
