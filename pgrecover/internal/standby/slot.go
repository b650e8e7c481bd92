package standby

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ErrLogical is that the slot's name is taken.
var ErrLogical = errors.New("there is a logical slot of that name")

// A Slot is what there is of a standby's slot on the primary.
type Slot struct {
	There, Active bool
	Lost          bool // the primary has removed WAL that it was to keep
}

// LookSlot asks the primary for a slot. The error is ErrLogical when it is no physical one.
func LookSlot(ctx context.Context, primary *pgx.Conn, name string) (s Slot, err error) {
	var kind string
	err = primary.QueryRow(ctx, `SELECT slot_type, active, coalesce(to_jsonb(s)->>'wal_status', '') = 'lost' FROM pg_replication_slots s WHERE slot_name = $1`, name).
		Scan(&kind, &s.Active, &s.Lost)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Slot{}, nil
	case err == nil && kind != "physical":
		err = ErrLogical
	}
	s.There = err == nil
	return s, err
}

// MakeSlot makes the slot on the primary, unless it is there, and returns what there was before. It keeps from now on what a
// standby will ask for. One that is lost is made anew.
func MakeSlot(ctx context.Context, primary *pgx.Conn, name string) (before Slot, err error) {
	before, err = LookSlot(ctx, primary, name)
	if err != nil || before.There && !before.Lost {
		return before, err
	}
	if before.Lost {
		if _, err := primary.Exec(ctx, "SELECT pg_drop_replication_slot($1)", name); err != nil {
			return before, fmt.Errorf("drop slot %s, whose WAL is removed already: %w", name, err)
		}
	}
	if _, err := primary.Exec(ctx, "SELECT pg_create_physical_replication_slot($1, true)", name); err != nil {
		return before, fmt.Errorf("make slot %s (see max_replication_slots): %w", name, err)
	}
	return before, nil
}
