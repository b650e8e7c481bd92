package main

import (
	"fmt"

	"github.com/pgcrew/pgcrew/common/config"
)

// checkCmd reads everything that run would read.
type checkCmd struct{}

// Run prints warnings, then either what is wrong, with the status of wrong configuration, or one line that all is well.
func (checkCmd) Run(d *deps) error {
	f, err := d.read()
	for _, w := range f.warnings {
		fmt.Fprintln(d.err, "pgrouter: warning:", w)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "%s: fine, %d servers, port %d\n", f.config.Path(), len(f.config.Backends()), f.config.Int("port"))
	return nil
}

// sampleCmd prints the configuration file that documents itself.
type sampleCmd struct{}

// Run prints it.
func (sampleCmd) Run(d *deps) error {
	_, err := d.out.Write(config.Sample())
	return err
}

// versionCmd prints the version.
type versionCmd struct{}

// Run prints it.
func (versionCmd) Run(d *deps) error {
	_, err := fmt.Fprintln(d.out, "pgrouter", version())
	return err
}
