package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/problem"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgwatch/internal/node"
)

// identity is how a command knows which node it is.
type identity struct {
	NodeID  int  `help:"Number of this node; by default what the file pgpool_node_id beside the configuration says." default:"-1" placeholder:"N"`
	Witness bool `help:"This node only votes: it looks at no server and never holds the address."`
}

// read reads the configuration with all that belongs to it. The error joins all problems of all files, so that they can be
// mended at once; warnings are for people, and there in any case.
func (i identity) read(ctx context.Context, t *tool.Tool) (s *node.Settings, warnings []string, err error) {
	c, confErr := t.Load()
	if c == nil {
		return nil, nil, tool.UsageError{Err: confErr}
	}
	warn := func(problems []problem.Problem) {
		for _, p := range problems {
			warnings = append(warnings, p.String())
		}
	}
	warn(c.Warnings())
	key, problems, err := passwd.FindKey("")
	warn(problems)
	if err != nil {
		warnings = append(warnings, err.Error())
	}
	passwords, passErr := readPasswords(c, key)
	if passwords != nil {
		warn(passwords.Warnings())
	}
	s, err = node.NewSettings(ctx, c, passwords, key, i.NodeID, i.Witness)
	warnings = append(warnings, s.Traps(ctx)...)
	if err = errors.Join(confErr, passErr, err); err != nil {
		return nil, warnings, tool.UsageError{Err: err}
	}
	return s, warnings, nil
}

// readPasswords reads pool_passwd. One that is not there is an empty one.
func readPasswords(c *config.Config, key *passwd.Key) (*passwd.File, error) {
	name := c.String("pool_passwd")
	if name == "" || c.Unsure("pool_passwd") {
		return nil, nil
	}
	f, err := passwd.Load(c.Beside(name), key)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return f, err
}

// checkCmd reads everything that run would read.
type checkCmd struct{ identity }

// Run prints warnings, then what is wrong, or one line that all is well.
func (cmd checkCmd) Run(ctx context.Context, t *tool.Tool) error {
	s, warnings, err := cmd.read(ctx, t)
	if err == nil {
		warnings = append(warnings, s.ServerTraps(ctx)...)
	}
	for _, w := range warnings {
		fmt.Fprintln(t.Err, "pgwatch: warning:", w)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "%s: fine, node %d of %d, %d servers\n", s.Config.Path(), s.Self.ID, len(s.Members), len(s.Backends))
	return nil
}
