// Package crew asks the other tools of this host, over their control sockets, what PCP clients want to know or to have done.
//
// Pgwatch decides for the whole cluster and is asked first; pgrouter knows its sessions. Of their answers the few members
// are declared here that are used.
package crew

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/tool"
)

// The control sockets, by file name.
const (
	watch  = "pgwatch.sock"
	router = "pgrouter.sock"
	pool   = "pgpool.sock" // of the program that keeps the crew of a host running
)

// How long an answer may take. A tool that hangs must not hang those who ask what goes on.
const (
	quick    = 3 * time.Second
	decision = 15 * time.Second // what the leader must have agreed to
	change   = time.Minute      // another primary
)

// A Crew is the tools that run with a configuration.
type Crew struct{ Config *config.Config }

// ask asks one program. The error tells a person what to do when it does not run.
func (c Crew) ask(ctx context.Context, within time.Duration, name, op string, args, result any) error {
	limited := ctx
	if within > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	err := tool.Ask(limited, c.Config, name, op, args, result)
	program := strings.TrimSuffix(name, ".sock")
	switch {
	case err == nil:
		return nil
	case control.Absent(err):
		return &Absent{Program: program, err: err}
	case limited.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("%s has not answered within %v; what it was asked for (%s) may still be done", program, within, op)
	}
	return err
}

// Absent is the error that a program does not run.
type Absent struct {
	Program string
	err     error
}

// Error implements error.
func (a *Absent) Error() string {
	return fmt.Sprintf("%s does not run on this host with this configuration; start it", a.Program)
}

// Unwrap returns what the system said.
func (a *Absent) Unwrap() error { return a.err }

// Said returns what another tool answered when it refused or failed, without the words about who was asked; of other errors
// all there is.
func Said(err error) (msg, hint string) {
	if e, ok := errors.AsType[*control.Error](err); ok && e.Msg != "" && e.Leader == "" {
		return e.Msg, e.Hint
	}
	return err.Error(), ""
}
