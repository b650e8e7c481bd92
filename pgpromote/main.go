// Pgpromote makes one standby the primary, safely: the most advanced one unless told, in steps that it reports as JSON lines.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/probe"
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

func journal(t *tool.Tool) *promote.Journal { return &promote.Journal{W: t.Out, Now: time.Now} }

// servers are the backends of the configuration, with the login of recovery_user.
func servers(t *tool.Tool, local bool) ([]promote.Server, error) {
	c, err := t.Config()
	if err != nil {
		return nil, err
	}
	if len(c.Backends()) == 0 {
		return nil, tool.UsageError{Err: fmt.Errorf("%s: no server is configured (set backend_hostname0 and backend_port0)", c.Path())}
	}
	user := c.String("recovery_user")
	if user == "" {
		user = "postgres"
	}
	password, err := recoveryPassword(c, user)
	if err != nil {
		return nil, tool.UsageError{Err: err}
	}
	var list []promote.Server
	for _, b := range c.Backends() {
		s := promote.Server{ID: b.ID, Host: b.Host, Port: b.Port, DataDirectory: b.DataDirectory, User: user, Password: password}
		if local {
			s.Sockets = []string{"/var/run/postgresql", "/tmp"}
		}
		list = append(list, s)
	}
	return list, nil
}

// recoveryPassword is recovery_password, or what pool_passwd has for the user, as in Pgpool-II; "" leaves it to .pgpass.
func recoveryPassword(c *config.Config, user string) (string, error) {
	key, _, err := passwd.FindKey("")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var entries *passwd.File
	if name := c.String("pool_passwd"); name != "" {
		if entries, err = passwd.Load(c.Beside(name), key); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return probe.Password(user, c.String("recovery_password"), entries, key), nil
}
