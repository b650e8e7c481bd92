package main

import (
	"fmt"

	"github.com/pgcrew/pgcrew/common/tool"
)

// checkCmd reads everything that run would read.
type checkCmd struct{}

// Run prints warnings, then either what is wrong, with the status of wrong configuration, or one line that all is well.
func (checkCmd) Run(t *tool.Tool) error {
	f, err := read(t)
	for _, w := range f.warnings {
		fmt.Fprintln(t.Err, "pgrouter: warning:", w)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "%s: fine, %d servers, port %d\n", f.config.Path(), len(f.config.Backends()), f.config.Int("port"))
	return nil
}
