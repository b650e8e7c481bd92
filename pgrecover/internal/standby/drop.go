package standby

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/step"
)

// undoLimit is for dropping a slot on a primary that may be what made the run fail.
const undoLimit = 10 * time.Second

// UndoSlot drops a slot that a run has made, when the run has failed, be it because ctx ended. The line of the step says how it
// went; the run has an error already.
func (p Pair) UndoSlot(ctx context.Context, j *step.Journal, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
	defer cancel()
	p.DropSlot(ctx, j, name)
}

// ErrSlotUsed is the error of DropSlot for a slot that is in use. A primary takes a connection to a server without power for alive for
// as long as wal_sender_timeout.
var ErrSlotUsed = errors.New("it is in use")

// DropSlot drops a physical slot on the primary, unless somebody uses it, as the step "drop slot". Its detail says why there was
// nothing to drop.
func (p Pair) DropSlot(ctx context.Context, j *step.Journal, name string) error {
	command := fmt.Sprintf("SELECT pg_drop_replication_slot('%s')", name)
	return j.Do(step.Step{Step: "drop slot", Node: &p.To.ID, Command: command}, func(st *step.Step) error {
		conn, err := p.To.Connect(ctx)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		why, err := dropSlot(ctx, conn, name)
		if why != "" {
			st.Detail, st.Skipped = why, true
		}
		return err
	})
}

// dropSlot drops a slot, or says why not.
func dropSlot(ctx context.Context, conn *pgx.Conn, name string) (why string, err error) {
	s, err := LookSlot(ctx, conn, name)
	switch {
	case errors.Is(err, ErrLogical):
		return err.Error(), nil
	case err != nil:
		return "", err
	case !s.There:
		return "there is none", nil
	case s.Active:
		return "", ErrSlotUsed
	}
	const inUse, undefined = "55006", "42704" // since it was looked at
	_, err = conn.Exec(ctx, "SELECT pg_drop_replication_slot($1)", name)
	switch backend.Code(err) {
	case inUse:
		return "", ErrSlotUsed
	case undefined:
		return "there is none", nil
	}
	return "", err
}
