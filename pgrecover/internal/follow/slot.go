package follow

import (
	"context"
	"fmt"

	"github.com/pgcrew/pgcrew/common/step"
)

// slot makes the slot on the primary, before the standby asks for it.
func (f *Follow) slot(ctx context.Context, m *server, want Settings) error {
	if want.SlotName == "" {
		return nil
	}
	command := fmt.Sprintf("SELECT pg_create_physical_replication_slot('%s', true)", want.SlotName)
	return f.Journal.Do(step.Step{Step: "slot", Node: &m.ID, Command: command}, func(st *step.Step) error {
		var kind string
		err := m.conn.QueryRow(ctx, "SELECT coalesce((SELECT slot_type FROM pg_replication_slots WHERE slot_name = $1), '')", want.SlotName).Scan(&kind)
		switch {
		case err != nil:
			return err
		case kind == "physical":
			st.Detail = "it is there"
			return nil
		case kind != "":
			return Refusal{fmt.Sprintf("node %d has a %s slot %s", m.ID, kind, want.SlotName), fmt.Sprintf("set another primary_slot_name on node %d", f.Node.ID)}
		case f.DryRun:
			st.Skipped = true
			return nil
		}
		if _, err := m.conn.Exec(ctx, "SELECT pg_create_physical_replication_slot($1, true)", want.SlotName); err != nil {
			return fmt.Errorf("make slot %s on node %d (see max_replication_slots): %w", want.SlotName, m.ID, err)
		}
		return nil
	})
}
