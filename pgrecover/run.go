package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/ssh"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/plan"
	"github.com/pgcrew/pgcrew/pgrecover/internal/recover"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// runCmd makes a node a standby, whatever it takes.
type runCmd struct {
	Node    int           `help:"Number of the backend that is to be a standby." required:"" placeholder:"N"`
	To      int           `help:"Number of the backend to follow; by default the only primary among them." default:"-1" placeholder:"M"`
	Method  plan.Method   `help:"auto, follow, rewind, backup or script; auto is the cheapest that is possible, or script when recovery_1st_stage_command is set." enum:"auto,follow,rewind,backup,script" default:"auto"`
	Local   bool          `help:"The data directory is on this host; otherwise it is reached by SSH."`
	Epoch   uint64        `help:"Refuse when the database knows a newer epoch." placeholder:"E"`
	Rate    int64         `help:"Bytes a second that a copy may take; 0 is no limit." placeholder:"BYTES" default:"0"`
	Keep    bool          `help:"Keep the old data beside a new copy."`
	Force   bool          `help:"Replace data that belongs to another cluster, or that is none."`
	Timeout time.Duration `help:"For everything; 0 is no limit." default:"0s"`
	DryRun  bool          `help:"Say what would be done."`
}

// Run exits with 3 when it refuses, with nothing changed.
func (cmd runCmd) Run(ctx context.Context, t *tool.Tool) error {
	if cmd.Timeout > 0 {
		late := fmt.Errorf("it was not done within %v: %w", cmd.Timeout, context.DeadlineExceeded)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, cmd.Timeout, late)
		defer cancel()
	}
	r, err := cmd.recovery(ctx, t)
	if err == nil {
		err = r.Run(ctx)
	}
	return coded(err)
}

// recovery is what flags and configuration ask for.
func (cmd runCmd) recovery(ctx context.Context, t *tool.Tool) (r recover.Recover, err error) {
	c, err := t.Config()
	if err != nil {
		return r, err
	}
	list, err := servers(t)
	if err != nil {
		return r, err
	}
	node, err := pick(list, cmd.Node)
	if err != nil {
		return r, err
	}
	if cmd.Node == cmd.To {
		return r, tool.UsageError{Err: fmt.Errorf("node %d cannot follow itself: --to names the primary", cmd.Node)}
	}
	to, err := primary(ctx, list, cmd.To, cmd.Node)
	if err != nil {
		return r, err
	}
	if cmd.Local {
		node = node.Local()
	}
	database := "" // as Pgpool-II's manual has it, not only as its table of parameters
	if c.IsSet("recovery_database") {
		database = c.String("recovery_database")
	}
	return recover.Recover{
		Pair:     standby.Pair{Node: node, To: to, Cluster: list},
		Open:     func(ctx context.Context) (host.Host, error) { return cmd.open(ctx, c, node) },
		Wish:     plan.Wish{Method: cmd.Method, Script: c.String("recovery_1st_stage_command"), Force: cmd.Force},
		Epoch:    cmd.Epoch,
		Rate:     cmd.Rate,
		Keep:     cmd.Keep,
		DryRun:   cmd.DryRun,
		Patience: c.Duration("recovery_timeout"),
		Database: database,
		Journal:  journal(t),
	}, nil
}

// nobody is the number of no server.
const nobody = -1

// primary is the server that was named by its number, or the only primary among all but the one that is to be recovered.
func primary(ctx context.Context, list []backend.Server, named, node int) (backend.Server, error) {
	if named != nobody {
		return pick(list, named)
	}
	return recover.Primary(ctx, list, node)
}

// open reaches the host of a node.
func (cmd runCmd) open(ctx context.Context, c *config.Config, node backend.Server) (host.Host, error) {
	if cmd.Local {
		return host.Local(node.DataDirectory)
	}
	if filepath.IsAbs(node.Host) {
		return nil, fmt.Errorf("backend_hostname%d is a folder of Unix sockets, to which there is no SSH: run this on that host with --local", node.ID)
	}
	to := ssh.Target{Host: node.Host, Port: c.IntAt("recovery_ssh_port", node.ID), User: c.String("recovery_ssh_user"),
		Key: c.String("recovery_ssh_key"), Agent: os.Getenv("SSH_AUTH_SOCK")}
	if file := c.String("recovery_ssh_known_hosts"); file != "" {
		to.KnownHosts = []string{file}
	}
	return host.Remote(ctx, to, node.DataDirectory)
}

// planCmd is run --dry-run.
type planCmd struct{ runCmd }

// Run says what run would do and why.
func (cmd planCmd) Run(ctx context.Context, t *tool.Tool) error {
	cmd.DryRun = true
	return cmd.runCmd.Run(ctx, t)
}
