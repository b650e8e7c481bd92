package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
	"github.com/pgcrew/pgcrew/pgrecover/internal/upstream"
)

// followCmd makes a standby.
type followCmd struct {
	Node    int           `help:"Number of the backend that is to follow." required:"" placeholder:"N"`
	To      int           `help:"Number of the backend to follow, the primary." required:"" placeholder:"M"`
	Local   bool          `help:"The server that is to follow is on this host: log in by its Unix socket, and start it when it does not run."`
	Timeout time.Duration `help:"For everything." default:"60s"`
	DryRun  bool          `help:"Say what would be done."`
}

// Run exits with 3 when it refuses, so that a script can tell a server that needs a rewind from one that is away.
func (cmd followCmd) Run(ctx context.Context, t *tool.Tool) error {
	list, err := servers(t)
	if err != nil {
		return err
	}
	node, err := pick(list, cmd.Node)
	if err != nil {
		return err
	}
	to, err := pick(list, cmd.To)
	if err != nil {
		return err
	}
	if cmd.Node == cmd.To {
		return tool.UsageError{Err: fmt.Errorf("node %d cannot follow itself: --to names the primary", cmd.Node)}
	}
	if cmd.Local {
		node = node.Local()
	}
	f := follow.Follow{Node: node, To: to, Cluster: list, Local: cmd.Local, DryRun: cmd.DryRun, Timeout: cmd.Timeout, Journal: journal(t),
		Before: func(ctx context.Context) (upstream.Upstream, error) { return before(ctx, t.In) }}
	return coded(f.Run(ctx))
}

// pick finds a server by its number.
func pick(list []backend.Server, id int) (backend.Server, error) {
	i := slices.IndexFunc(list, func(s backend.Server) bool { return s.ID == id })
	if i < 0 {
		return backend.Server{}, tool.UsageError{Err: fmt.Errorf("node %d is not in the configuration (set backend_hostname%d and backend_port%d)", id, id, id)}
	}
	return list[i], nil
}

// before reads the recruit step from standard input, unless that is a terminal.
func before(ctx context.Context, in io.Reader) (upstream.Upstream, error) {
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice != 0 {
			return upstream.Upstream{}, nil
		}
	}
	type answer struct {
		upstream.Upstream
		err error
	}
	read := make(chan answer, 1)
	// A read cannot be interrupted; it ends with the process.
	go func() {
		u, err := upstream.Read(in)
		read <- answer{u, err}
	}()
	select {
	case a := <-read:
		return a.Upstream, a.err
	case <-ctx.Done():
		return upstream.Upstream{}, fmt.Errorf("nothing came on standard input, where the recruit step is expected (</dev/null is none): %w", context.Cause(ctx))
	}
}
