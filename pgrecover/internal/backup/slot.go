package backup

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// slot makes the slot on the primary. When the old server of the node streams by it, that is stopped before: it would move
// the slot on, beyond what the copy has.
func (b *Backup) slot(ctx context.Context) error {
	name := b.want.SlotName
	s, err := standby.LookSlot(ctx, b.Primary, name)
	switch {
	case errors.Is(err, standby.ErrLogical):
		return refuse(fmt.Sprintf("set another primary_slot_name on node %d", b.Node.ID), "node %d has a logical slot %s", b.To.ID, name)
	case err != nil:
		return err
	case s.Active:
		if err := b.release(ctx, name); err != nil {
			return err
		}
	}
	command := fmt.Sprintf("SELECT pg_create_physical_replication_slot('%s', true)", name)
	return b.Journal.Do(step.Step{Step: "slot", Node: &b.To.ID, Command: command}, func(st *step.Step) error {
		before, err := standby.MakeSlot(ctx, b.Primary, name)
		b.made = err == nil && !before.There
		if err == nil && before.There && !before.Lost {
			st.Detail = "it is there"
		}
		return err
	})
}

// unslot drops the slot again when this run has made it: nobody would receive from it, and the primary would keep WAL for ever.
func (b *Backup) unslot(ctx context.Context) {
	if b.made {
		b.UndoSlot(ctx, b.Journal, b.want.SlotName)
	}
}

// release stops the server of the node if it may be the one that uses the slot.
func (b *Backup) release(ctx context.Context, name string) error {
	p, err := b.Server.Look(ctx)
	if err != nil {
		return err
	}
	if p.Postmaster == 0 {
		return refuse(fmt.Sprintf("find out who uses it (SELECT * FROM pg_stat_replication on node %d), and give it another slot", b.To.ID),
			"slot %s of node %d is in use, and not by node %d, which does not run", name, b.To.ID, b.Node.ID)
	}
	return b.stop(ctx)
}
