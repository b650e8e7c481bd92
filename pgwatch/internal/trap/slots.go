package trap

import (
	"context"
	"fmt"
	"strconv"

	"github.com/pgcrew/pgcrew/common/probe"
)

// A Slot is a physical replication slot that nobody receives from.
type Slot struct {
	Name  string
	Keeps int64 // bytes of WAL that the primary must not remove
}

// muchWAL is how many bytes a slot may keep for a standby that is away before that is a trap.
const muchWAL = 1 << 30

// askSlots finds the slots that nobody uses.
func askSlots(ctx context.Context, conn *probe.Conn) (list []Slot, err error) {
	rows, err := conn.Rows(ctx, "SELECT slot_name, (pg_current_wal_lsn() - restart_lsn)::bigint FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT active AND restart_lsn IS NOT NULL")
	for _, r := range rows {
		keeps, _ := strconv.ParseInt(r[1], 10, 64)
		list = append(list, Slot{r[0], keeps})
	}
	return list, err
}

// slots are those that keep much for a standby that is away, or gone for good.
func (c Crew) slots(f *Facts) (list []finding) {
	for _, s := range f.Idle {
		if s.Keeps > muchWAL {
			list = append(list, finding{fmt.Sprintf("slot %s keeps %.1f GiB of WAL, and nobody receives from it", s.Name, float64(s.Keeps)/(1<<30)),
				fmt.Sprintf("bring its standby back, or, if that is gone, SELECT pg_drop_replication_slot('%s')", s.Name)})
		}
	}
	return list
}

// IdleSlots are the traps among those of Find that grow by themselves.
func (c Crew) IdleSlots(all []Facts) []string { return c.find(all, c.slots) }
