// Package taker takes an address and gives it up: by netlink, by the commands of pgpool.conf, or by a program for
// clouds.
package taker

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgvip/internal/address"
	"github.com/pgcrew/pgcrew/pgvip/internal/command"
	"github.com/pgcrew/pgcrew/pgvip/internal/neighbor"
)

// Commands are the commands of pgpool.conf for one address; nil where the user has set none, and the built-in way is
// taken.
type Commands struct{ Up, Down, Arping *command.Command }

// ReadCommands returns the commands that the configuration sets.
func ReadCommands(c *config.Config, ip netip.Addr) Commands {
	read := func(name, folder, text string) *command.Command {
		if !c.IsSet(name) || text == "" {
			return nil
		}
		made := command.New(name, folder, text, ip)
		return &made
	}
	folder := c.String("if_cmd_path")
	return Commands{
		Up:     read("if_up_cmd", folder, c.String("if_up_cmd")),
		Down:   read("if_down_cmd", folder, c.String("if_down_cmd")),
		Arping: read("arping_cmd", c.String("arping_path"), c.String("arping_cmd")),
	}
}

// All returns those that are set.
func (c Commands) All() []*command.Command {
	return slices.DeleteFunc([]*command.Command{c.Up, c.Down, c.Arping}, func(each *command.Command) bool { return each == nil })
}

// A Kernel has the address on an interface of this host. Its methods are called by one goroutine.
type Kernel struct {
	address   address.Address
	commands  Commands
	neighbors *neighbor.Neighbors
	log       *slog.Logger

	noLifetime bool // the kernel does not let us set one, and that was logged
	claimed    bool // and not announced yet
	arping     sync.WaitGroup
	life       context.Context // of arping_cmd
	end        context.CancelFunc
}

// NewKernel returns a Kernel. heard is called when another host says that it has the address; it must not block.
func NewKernel(a address.Address, c Commands, heard func(mac string), log *slog.Logger) *Kernel {
	k := &Kernel{address: a, commands: c, log: log.With("addr", a.IP.String(), "dev", a.Dev)}
	k.life, k.end = context.WithCancel(context.Background())
	n, err := neighbor.Open(a.Dev, a.IP, heard)
	if err != nil {
		k.log.Warn("the neighbours can neither be asked nor told for now", "err", err)
	}
	k.neighbors = n
	return k
}

// Close ends what runs beside. The address stays as it is.
func (k *Kernel) Close() {
	k.neighbors.Close()
	k.end()
	k.arping.Wait()
}

// Probe returns the MAC of another host that has the address, or "". When the network cannot be asked nobody has it:
// the lease is the right, the question only a courtesy.
func (k *Kernel) Probe(ctx context.Context) string {
	mac, err := k.neighbors.Probe(ctx)
	if err != nil && ctx.Err() == nil {
		k.log.Warn("it is taken without asking for another holder", "err", err)
	}
	return mac
}

// Claim takes the address for a lifetime: by if_up_cmd when there is one, and by netlink when that fails or does not do
// what it should.
func (k *Kernel) Claim(ctx context.Context, _ uint64, lifetime time.Duration) error {
	k.claimed = true
	if k.commands.Up == nil {
		return address.Set(k.address, lifetime)
	}
	if err := k.commands.Up.Run(ctx); err != nil {
		if ctx.Err() != nil {
			return err
		}
		k.log.Warn("a command failed, the address is taken by the built-in way", "command", k.commands.Up.Name, "err", err)
		return address.Set(k.address, lifetime)
	}
	_, found, err := address.Find(k.address)
	if err != nil {
		return err
	}
	if !found {
		k.log.Warn("a command ended well, but the address is not there; it is taken by the built-in way", "command", k.commands.Up.Name)
		return address.Set(k.address, lifetime)
	}
	return k.Renew(lifetime)
}

// Renew gives the address a new lifetime. Where that is not allowed to us but a command has taken the address it stays
// without one.
func (k *Kernel) Renew(lifetime time.Duration) error {
	err := address.Set(k.address, lifetime)
	if err == nil || k.commands.Up == nil {
		return err
	}
	if _, found, findErr := address.Find(k.address); findErr != nil || !found {
		return err
	}
	if !k.noLifetime {
		k.noLifetime = true
		k.log.Warn("the address has no lifetime: it stays when pgvip is killed", "err", err, "hint", "give pgvip CAP_NET_ADMIN")
	}
	return nil
}

// Announce tells the neighbours where the address is, and after a claim runs arping_cmd beside. That comes after our own
// announcement, because it takes its time and the usual arping announces something else.
func (k *Kernel) Announce() error {
	err := k.neighbors.Announce()
	if k.commands.Arping != nil && k.claimed {
		k.arping.Go(k.runArping)
	}
	k.claimed = false
	return err
}

func (k *Kernel) runArping() {
	if err := k.commands.Arping.Run(k.life); err != nil && k.life.Err() == nil {
		k.log.Info("a command failed; pgvip has announced the address itself", "command", k.commands.Arping.Name, "err", err)
	}
}

// Release gives the address up, by if_down_cmd when there is one, and looks that it is gone.
func (k *Kernel) Release(ctx context.Context) (found bool, err error) {
	if k.commands.Down == nil {
		return address.Remove(k.address)
	}
	_, found, err = address.Find(k.address)
	if err == nil && !found {
		return false, nil
	}
	failed := k.commands.Down.Run(ctx)
	left, err := address.Remove(k.address)
	switch {
	case err != nil && failed != nil:
		return true, failed
	case left && failed != nil:
		k.log.Warn("a command failed, the address is given up by the built-in way", "command", k.commands.Down.Name, "err", failed)
	case left:
		k.log.Warn("a command ended well, but the address was still there; it is given up by the built-in way", "command", k.commands.Down.Name)
	}
	return true, err
}
