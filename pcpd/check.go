package main

import (
	"fmt"

	"github.com/pgcrew/pgcrew/common/tool"
)

// checkCmd reads everything that run would read.
type checkCmd struct{}

// Run prints warnings, then either what is wrong, with the status of wrong configuration, or one line that all is well.
func (checkCmd) Run(t *tool.Tool) error {
	c, warnings, err := read(t)
	for _, w := range warnings {
		fmt.Fprintln(t.Err, "pcpd: warning:", w)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "%s: fine, port %d, layout of Pgpool-II %s\n", c.Path(), c.Int("pcp_port"), c.Enum("pcp_compat"))
	return nil
}
