package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgpromote/internal/promote"
)

// one is how a command names its server.
type one struct {
	Node    int           `help:"Number of the backend." required:"" placeholder:"N"`
	Timeout time.Duration `help:"For everything." default:"10s"`
	Local   bool          `help:"The server is on this host: log in by its Unix socket, and start it when it has fallen."`
}

func (o one) run(t *tool.Tool) (*promote.Run, error) {
	list, err := servers(t, o.Local)
	if err != nil {
		return nil, err
	}
	return &promote.Run{
		Request: promote.Request{Node: &o.Node, TimeoutMS: o.Timeout.Milliseconds(), Local: o.Local},
		Servers: list,
		Journal: journal(t),
	}, nil
}

// recruitCmd is the first half of a promotion, for all candidates.
type recruitCmd struct{ one }

// Run does it.
func (cmd recruitCmd) Run(ctx context.Context, t *tool.Tool) error {
	r, err := cmd.run(t)
	if err != nil {
		return err
	}
	return r.Recruit(ctx)
}

// releaseCmd undoes a recruitment.
type releaseCmd struct{ one }

// Run reads the line of the recruit step.
func (cmd releaseCmd) Run(ctx context.Context, t *tool.Tool) error {
	var step struct {
		Step   string         `json:"step"`
		Detail promote.Before `json:"detail"`
	}
	err := json.NewDecoder(io.LimitReader(t.In, 64<<10)).Decode(&step)
	if err == nil && step.Step != "recruit" {
		err = fmt.Errorf("its step is %q", step.Step)
	}
	if err != nil {
		return tool.UsageError{Err: fmt.Errorf("standard input is not the line of a recruit step: %w", err)}
	}
	r, err := cmd.run(t)
	if err != nil {
		return err
	}
	return r.Release(ctx, step.Detail)
}

// checkCmd reads and tries what run needs.
type checkCmd struct{}

// Run logs in to every server, because a promotion is a bad time to find out that one cannot.
func (checkCmd) Run(ctx context.Context, t *tool.Tool) error {
	list, err := servers(t, false)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var errs []error
	for _, s := range list {
		if err := s.Check(ctx); err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(t.Out, "node %d (%s): %s may promote it\n", s.ID, s.Addr(), s.User)
	}
	return errors.Join(errs...)
}
