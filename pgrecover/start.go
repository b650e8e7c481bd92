package main

import (
	"context"
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrecover/internal/lock"
)

// startCmd starts a server.
type startCmd struct {
	Node    int           `help:"Number of the backend." required:"" placeholder:"N"`
	Local   bool          `help:"The server is on this host; there is no other way yet." required:""`
	Timeout time.Duration `help:"Until it lets clients in, which may take crash recovery." default:"60s"`
}

// Run starts the server as what it was: a primary as a primary, a standby as a standby.
func (cmd startCmd) Run(ctx context.Context, t *tool.Tool) error {
	list, err := servers(t)
	if err != nil {
		return err
	}
	node, err := pick(list, cmd.Node)
	if err != nil {
		return err
	}
	late := fmt.Errorf("node %d did not let clients in within %v: %w", node.ID, cmd.Timeout, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, cmd.Timeout, late)
	defer cancel()
	release, err := lock.Directory(node.DataDirectory)
	if err != nil {
		return err
	}
	defer release()
	j := journal(t)
	srv := postmaster.New(node.DataDirectory)
	err = j.Do(step.Step{Step: "start", Node: &node.ID}, func(st *step.Step) error {
		if srv.Look().Postmaster == postmaster.Runs {
			st.Detail = "it runs"
			return step.Until(ctx, func() (bool, error) { return srv.Ready(), nil })
		}
		return srv.Start(ctx)
	})
	if err != nil {
		return coded(err)
	}
	return j.Do(step.Step{Step: "done", Node: &node.ID}, func(*step.Step) error { return nil })
}
