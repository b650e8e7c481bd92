package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/pgcrew/pgcrew/common/passwd"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgwatch/internal/node"
)

// identity is how a command knows which node it is.
type identity struct {
	NodeID  int  `help:"Number of this node; by default what the file pgpool_node_id beside the configuration says." default:"-1" placeholder:"N"`
	Witness bool `help:"This node only votes: it looks at no server and never holds the address."`
}

// read reads the configuration with all that belongs to it. warnings are for people.
func (i identity) read(ctx context.Context, t *tool.Tool) (s *node.Settings, warnings []string, err error) {
	c, err := t.Config()
	if err != nil {
		return nil, nil, err
	}
	for _, p := range c.Warnings() {
		warnings = append(warnings, p.String())
	}
	key, problems, err := passwd.FindKey("")
	for _, p := range problems {
		warnings = append(warnings, p.String())
	}
	if err != nil {
		warnings = append(warnings, err.Error())
	}
	var errs []error
	var passwords *passwd.File
	if name := c.String("pool_passwd"); name != "" {
		passwords, err = passwd.Load(c.Beside(name), key)
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		errs = append(errs, err)
	}
	s, err = node.NewSettings(ctx, c, passwords, key, i.NodeID, i.Witness)
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, warnings, tool.UsageError{Err: err}
	}
	return s, append(warnings, s.Traps()...), nil
}

// checkCmd reads everything that run would read.
type checkCmd struct{ identity }

// Run prints warnings, then what is wrong, or one line that all is well.
func (cmd checkCmd) Run(ctx context.Context, t *tool.Tool) error {
	s, warnings, err := cmd.read(ctx, t)
	for _, w := range warnings {
		fmt.Fprintln(t.Err, "pgwatch: warning:", w)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "%s: fine, node %d of %d, %d servers\n", s.Config.Path(), s.Self.ID, len(s.Members), len(s.Backends))
	return nil
}
