package follow

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// slot makes the slot on the primary, before the standby asks for it. made tells whether it was not there.
func (f *Follow) slot(ctx context.Context, m *server, want standby.Settings) (made bool, err error) {
	if want.SlotName == "" {
		return false, nil
	}
	command := fmt.Sprintf("SELECT pg_create_physical_replication_slot('%s', true)", want.SlotName)
	err = f.Journal.Do(step.Step{Step: "slot", Node: &m.ID, Command: command}, func(st *step.Step) error {
		ask := standby.MakeSlot
		if f.DryRun {
			ask = standby.LookSlot
		}
		s, err := ask(ctx, m.conn, want.SlotName)
		there := s.There && !s.Lost
		switch {
		case errors.Is(err, standby.ErrLogical):
			return Refusal{fmt.Sprintf("node %d has a logical slot %s", m.ID, want.SlotName), fmt.Sprintf("set another primary_slot_name on node %d", f.Node.ID)}
		case err != nil:
			return err
		case f.DryRun:
			st.Skipped = !there
		case there:
			st.Detail = "it is there"
		default:
			made = !s.There
		}
		return nil
	})
	return made, err
}
