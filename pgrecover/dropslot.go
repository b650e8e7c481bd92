package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// dropSlotCmd drops the slot of a server that was taken out of the configuration. pgwatch calls it.
type dropSlotCmd struct {
	Host string `help:"backend_hostname that the server had." required:"" placeholder:"HOST"`
	Port int    `help:"backend_port that it had." required:"" placeholder:"PORT"`
	To   int    `help:"Number of the primary; by default the only one among the backends." default:"-1" placeholder:"M"`
}

// dropSlotLimit is for the whole command.
const dropSlotLimit = 30 * time.Second

// Run drops what bears a name that pgrecover has given to the server and to no other one. One that is in use may be dropped later.
func (cmd dropSlotCmd) Run(ctx context.Context, t *tool.Tool) error {
	list, err := servers(t)
	if err != nil {
		return err
	}
	gone := backend.Server{Host: cmd.Host, Port: cmd.Port}
	if i := slices.IndexFunc(list, func(s backend.Server) bool { return s.Addr() == gone.Addr() }); i >= 0 {
		return tool.Coded{Err: fmt.Errorf("%s is node %d of the configuration, and its slot is left alone: take it out first", gone.Addr(), list[i].ID), Code: exit.Not}
	}
	ctx, cancel := context.WithTimeout(ctx, dropSlotLimit)
	defer cancel()
	to, err := primary(ctx, list, cmd.To, nobody)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range standby.LeftSlots(gone, list) {
		err := standby.Pair{To: to}.DropSlot(ctx, journal(t), name)
		if errors.Is(err, standby.ErrSlotUsed) {
			err = tool.Coded{Err: fmt.Errorf("slot %s on node %d: %w: stop the server that uses it", name, to.ID, err), Code: exit.Temporary}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
