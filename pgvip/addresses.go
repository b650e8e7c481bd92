package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgvip/internal/address"
	"github.com/pgcrew/pgcrew/pgvip/internal/command"
)

// device is the flag that several commands have.
type device struct {
	Dev string `help:"Network interface of addresses without %dev; by default the one in their network [${env}]." env:"PGVIP_DEV" placeholder:"DEV"`
}

// configured returns the addresses of delegate_ip, their interfaces as far as they are named: by %dev, by the flag, or by
// if_up_cmd when the file sets it.
func (d device) configured(c *config.Config) ([]address.Address, error) {
	all, err := address.Parse(c.String("delegate_ip"))
	if err != nil {
		return nil, config.Problems{c.Problem("delegate_ip", "delegate_ip: "+err.Error(), "write addresses with commas between them, such as 192.0.2.10 or 192.0.2.10%eth0")}
	}
	if len(all) == 0 {
		return nil, config.Problems{c.Problem("delegate_ip", "no virtual address is configured", "set delegate_ip")}
	}
	for i := range all {
		if all[i].Dev == "" {
			all[i].Dev = d.Dev
		}
		if all[i].Dev == "" && c.IsSet("if_up_cmd") {
			all[i].Dev = command.Device(c.String("if_up_cmd"))
		}
	}
	return all, nil
}

// named returns the addresses of a command line, or those of the configuration when it has none. The configuration is nil
// when there is none and none is needed.
func (d device) named(t *tool.Tool, words []string) ([]address.Address, *config.Config, error) {
	c, err := t.Config()
	if err != nil {
		if len(words) == 0 || t.Flags.Config != "" || config.Find() != "" {
			return nil, nil, err
		}
		c = config.Default()
	}
	var all []address.Address
	if len(words) == 0 {
		all, err = d.configured(c)
	} else if all, err = address.Parse(strings.Join(words, ",")); err != nil {
		err = tool.UsageError{Err: err}
	}
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		if all[i].Dev == "" {
			all[i].Dev = d.Dev
		}
	}
	return all, c, find(all)
}

// find finds the interfaces of all addresses.
func find(all []address.Address) error {
	var errs []error
	for i := range all {
		dev, err := address.Device(all[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", all[i], err))
			continue
		}
		all[i].Dev = dev
	}
	return errors.Join(errs...)
}
