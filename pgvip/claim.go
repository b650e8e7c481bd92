package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgvip/internal/address"
	"github.com/pgcrew/pgcrew/pgvip/internal/keeper"
	"github.com/pgcrew/pgcrew/pgvip/internal/neighbor"
)

// claimCmd takes addresses by hand.
type claimCmd struct {
	device
	Addr  []string `arg:"" optional:"" help:"Addresses; by default those of delegate_ip."`
	For   lifetime `help:"How long the kernel keeps them: a time such as 10s, or forever." default:"forever" placeholder:"TIME"`
	Force bool     `help:"Take them even when another host answers for them, or pgvip hold runs."`
}

// lifetime is a flag's value.
type lifetime time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *lifetime) UnmarshalText(text []byte) error {
	if string(text) == "forever" {
		*l = lifetime(address.Forever)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < time.Second {
		return fmt.Errorf("%q is neither forever nor a time of at least a second, such as 10s", text)
	}
	*l = lifetime(d)
	return nil
}

// Run takes all addresses, or says why not.
func (cmd claimCmd) Run(ctx context.Context, t *tool.Tool) error {
	all, c, err := cmd.named(t, cmd.Addr)
	if err != nil {
		return err
	}
	if err := unheld(ctx, c, all); err != nil && !cmd.Force {
		return err
	}
	out, err := writer(t)
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := cmd.claim(ctx, a, t); err != nil {
			return err
		}
		if err := out.Write(event.VIPUp{VIPReport: event.VIPReport{Addr: a.IP.String(), Dev: a.Dev}}, event.At{}); err != nil {
			return err
		}
	}
	return nil
}

func (cmd claimCmd) claim(ctx context.Context, a address.Address, t *tool.Tool) error {
	n, err := neighbor.Open(a.Dev, a.IP, func(string) {})
	if err != nil && !cmd.Force {
		n.Close()
		return err
	}
	defer n.Close()
	mac, err := n.Probe(ctx)
	switch {
	case err != nil && !cmd.Force:
		return err
	case mac != "" && !cmd.Force:
		return fmt.Errorf("claim %s on %s: the host with the MAC %s has it (--force takes it nevertheless)", a, a.Dev, mac)
	case mac != "":
		t.Log.Warn("another host has the address", "addr", a.IP.String(), "mac", mac)
	}
	if err := address.Set(a, time.Duration(cmd.For)); err != nil {
		return err
	}
	for _, pause := range []time.Duration{0, 50 * time.Millisecond, 150 * time.Millisecond} {
		time.Sleep(pause)
		if err := n.Announce(); err != nil {
			t.Log.Warn("the neighbours are not told", "err", err)
		}
	}
	return nil
}

// releaseCmd gives addresses up by hand.
type releaseCmd struct {
	device
	Addr []string `arg:"" optional:"" help:"Addresses; by default those of delegate_ip."`
}

// Run gives all addresses up. One that is not there is as it should be.
func (cmd releaseCmd) Run(ctx context.Context, t *tool.Tool) error {
	all, c, err := cmd.named(t, cmd.Addr)
	if err != nil {
		return err
	}
	if err := unheld(ctx, c, all); err != nil {
		return err
	}
	out, err := writer(t)
	if err != nil {
		return err
	}
	for _, a := range all {
		found, err := address.Remove(a)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if err := out.Write(event.VIPDown{VIPReport: event.VIPReport{Addr: a.IP.String(), Dev: a.Dev, Reason: "pgvip release"}}, event.At{}); err != nil {
			return err
		}
	}
	return nil
}

// unheld is an error when a pgvip hold that runs would undo what is done to the addresses by hand.
func unheld(ctx context.Context, c *config.Config, all []address.Address) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	r := holder(ctx, c)
	if r == nil {
		return nil
	}
	for _, a := range all {
		if slices.ContainsFunc(r.Addresses, func(s keeper.Status) bool { return s.Addr == a.IP.String() }) {
			return fmt.Errorf("%s belongs to the pgvip hold that runs, and would not stay as you want it (stop that first)", a)
		}
	}
	return nil
}

// writer writes events to standard output.
func writer(t *tool.Tool) (*event.Writer, error) {
	boot, err := event.BootID()
	if err != nil {
		return nil, err
	}
	return event.NewWriter(t.Out, event.Origin{Boot: boot}, event.SystemClock), nil
}
