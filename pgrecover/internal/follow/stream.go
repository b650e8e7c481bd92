package follow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// receiver is how a standby gets its WAL.
type receiver struct {
	Status   string `json:"status"` // of pg_stat_wal_receiver; "" when there is none
	From     string `json:"from"`   // host:port
	Timeline uint32 `json:"timeline"`
	Replayed uint64 `json:"replayed"`
	Received uint64 `json:"received"`
}

// PostgreSQL 10 has no sender_host.
const receiving = `
SELECT coalesce(status, ''),
       concat_ws(':', coalesce(w->>'sender_host', substring(conninfo from '\mhost=(\S+)')), coalesce(w->>'sender_port', substring(conninfo from '\mport=(\d+)'))),
       coalesce(received_tli, 0)::int8,
       coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::int8, coalesce(pg_last_wal_receive_lsn() - '0/0', 0)::int8
FROM (SELECT) nothing LEFT JOIN pg_stat_wal_receiver r ON true, LATERAL (SELECT to_jsonb(r) w) j`

// stream waits until the standby streams from the primary on its timeline, and has replayed what the primary had when
// the waiting began.
func (f *Follow) stream(ctx context.Context, n, m *server) error {
	var r receiver
	err := f.Journal.Do(step.Step{Step: "stream", Node: &n.ID}, func(st *step.Step) error {
		if err := Mark(ctx, m.conn); err != nil {
			return fmt.Errorf("node %d: %w", m.ID, err)
		}
		if err := m.ask(ctx); err != nil {
			return err
		}
		last, since := uint64(0), f.Journal.Now()
		dry := Drought{Node: n.ID, To: m.ID}
		err := step.Until(ctx, func() (bool, error) {
			var tli, replayed, received int64
			// A query that ctx cuts off would end the session, and its words are the better ones.
			err := n.conn.QueryRow(context.WithoutCancel(ctx), receiving).Scan(&r.Status, &r.From, &tli, &replayed, &received)
			r.Timeline, r.Replayed, r.Received = uint32(tli), uint64(replayed), uint64(received)
			if err != nil || f.follows(r, n, m) {
				return err == nil, err
			}
			now := f.Journal.Now()
			if r.Replayed != last {
				last, since = r.Replayed, now
			} else if f.Patience > 0 && now.Sub(since) > f.Patience {
				return false, f.impatient(ctx, r, n, m)
			}
			return false, f.thirsts(ctx, &dry, now, r, n, m)
		})
		st.Timeline, st.Detail = r.Timeline, r
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("node %d does not stream from node %d (%s): %w", n.ID, m.ID, r.lacks(f.address(), m), err)
		}
		return err
	})
	if err == nil && f.After != nil {
		err = f.After(ctx)
	}
	if err != nil {
		return err
	}
	return f.Journal.Do(step.Step{Step: "done", Node: &n.ID, Timeline: r.Timeline}, func(st *step.Step) (err error) {
		done := finished{To: m.ID, Replayed: timeline.LSN(r.Replayed)}
		done.IdleSlots, err = n.idleSlots(ctx)
		st.Detail = done
		return err
	})
}

// thirsts is Gone when the standby waits for WAL that the primary has removed. What a restore_command may bring, is waited for.
func (f *Follow) thirsts(ctx context.Context, dry *Drought, now time.Time, r receiver, n, m *server) error {
	has := max(r.Replayed, r.Received)
	// A receiver that was never asked for has received nothing, not even the beginning of a segment.
	waits := r.Status != "streaming" && r.Received != 0 && !n.Paused && !n.Delayed && n.Version >= oldest && n.Settings.RestoreCommand == ""
	return dry.Look(ctx, now, has, waits, m.conn)
}

// impatient is the error when nothing has changed for too long.
func (f *Follow) impatient(ctx context.Context, r receiver, n, m *server) error {
	if r.Status != "streaming" && !n.Paused && !n.Delayed {
		if err := f.lacks(ctx, max(r.Replayed, r.Received), m); err != nil {
			return err
		}
	}
	return fmt.Errorf("nothing has changed for %v: %w", f.Patience, context.DeadlineExceeded)
}

// finished is what the last step says.
type finished struct {
	To        int      `json:"to"`
	Replayed  string   `json:"replayed"`
	IdleSlots []string `json:"idle_slots,omitempty"` // on the new standby: nobody uses them, and they keep its WAL
}

// Mark writes a record into the WAL of the primary of a session, onto its disk. A standby calls its receiver streaming for a
// moment before the primary refuses it, for a slot that is missing say; one that has the record does stream.
func Mark(ctx context.Context, conn *pgx.Conn) error {
	// Without the number of a transaction nothing would wait for the disk.
	if _, err := conn.Exec(ctx, "SELECT txid_current(), pg_create_restore_point('pgrecover')"); err != nil {
		return fmt.Errorf("write a record for the standby to receive: %w", err)
	}
	return nil
}

// address is what pg_stat_wal_receiver says when the standby streams from where we told it to.
func (f *Follow) address() string { return f.To.Host + ":" + strconv.Itoa(f.To.Port) }

// follows tells whether the goal is reached. A standby that replays late on purpose needs to have received only.
func (f *Follow) follows(r receiver, n, m *server) bool {
	has := r.Replayed
	if n.Paused || n.Delayed {
		has = r.Received
	}
	return r.Status == "streaming" && r.From == f.address() && r.Timeline == m.Timeline && has >= m.Received
}

// lacks says what keeps a standby from having followed, and where to look.
func (r receiver) lacks(address string, m *server) string {
	switch {
	case r.Status == "":
		return "it has no WAL receiver: its log has the reason, such as a missing line for replication in pg_hba.conf, a wrong password, or WAL that node " + strconv.Itoa(m.ID) + " has removed"
	case r.From != address:
		return "it receives from " + r.From + ", not from " + address
	case r.Status != "streaming":
		return "its WAL receiver is " + r.Status + ": its log has the reason"
	case r.Timeline != m.Timeline:
		return fmt.Sprintf("it receives timeline %d, not %d", r.Timeline, m.Timeline)
	}
	return fmt.Sprintf("it has replayed up to %s of %s", timeline.LSN(r.Replayed), timeline.LSN(m.Received))
}

// idleSlots are physical slots that nobody uses, as a former primary has them.
func (s *server) idleSlots(ctx context.Context) (names []string, err error) {
	err = s.conn.QueryRow(ctx, `SELECT coalesce(array_agg(slot_name::text ORDER BY slot_name), '{}') FROM pg_replication_slots
		WHERE slot_type = 'physical' AND NOT active AND restart_lsn IS NOT NULL`).Scan(&names)
	return names, err
}
