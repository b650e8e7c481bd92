package main

import (
	"errors"
	"fmt"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgvip/internal/address"
	"github.com/pgcrew/pgcrew/pgvip/internal/taker"
)

// checkCmd looks at everything that hold needs.
type checkCmd struct {
	device
	Exec string `help:"The program that hold is to run, as there [${env}]." env:"PGVIP_EXEC" placeholder:"CMD"`
}

// Run prints warnings, then either all that is wrong, with the status of wrong configuration, or one line that all is well.
func (cmd checkCmd) Run(t *tool.Tool) error {
	c, err := t.Config()
	if c == nil {
		return err
	}
	warn := func(text string) { fmt.Fprintln(t.Err, "pgvip: warning:", text) }
	for _, w := range c.Warnings() {
		warn(w.String())
	}
	all, addressErr := cmd.configured(c)
	errs := []error{err, addressErr}
	if cmd.Exec == "" {
		if err := find(all); err != nil {
			errs = append(errs, err)
		}
		commands := taker.Commands{}
		for _, a := range all {
			commands = taker.ReadCommands(c, a.IP)
		}
		for _, text := range commandWarnings(c, commands) {
			warn(text)
		}
		if err := privileges(commands.Up != nil, warn); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return tool.UsageError{Err: err}
	}
	fmt.Fprintf(t.Out, "%s: fine, %s\n", c.Path(), words(all))
	return nil
}

// commandWarnings names commands that will not work. They do not stop anything, because the built-in way takes over.
func commandWarnings(c *config.Config, commands taker.Commands) []string {
	var all []string
	for _, each := range commands.All() {
		if err := each.Check(); err != nil {
			all = append(all, c.Problem(each.Name, fmt.Sprintf("%s: %v", each.Name, err),
				"the built-in way is taken instead; mend the command or remove the line").String())
		}
	}
	if (commands.Up == nil) != (commands.Down == nil) {
		all = append(all, c.Problem("if_up_cmd", "only one of if_up_cmd and if_down_cmd is set", "the other is done by the built-in way").String())
	}
	return all
}

// privileges says which are missing. With an if_up_cmd that has its own, by sudo, pgvip works without, less well.
func privileges(byCommand bool, warn func(string)) error {
	missing, err := address.MissingPrivileges()
	if err != nil || len(missing) == 0 {
		return err
	}
	if byCommand {
		for _, name := range missing {
			warn(fmt.Sprintf("%s is missing: if_up_cmd may still work, but the address gets no lifetime, or is not asked for and announced (run pgvip by its systemd unit)", name))
		}
		return nil
	}
	errs := make([]error, len(missing))
	for i, name := range missing {
		errs[i] = fmt.Errorf("%s is missing (run pgvip by its systemd unit, as root, or: setcap cap_net_admin,cap_net_raw+ep pgvip)", name)
	}
	return errors.Join(errs...)
}
