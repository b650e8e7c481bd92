package promote

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// A Position is what a server tells of itself.
type Position struct {
	Node     int    `json:"node"`
	SystemID string `json:"sysid"`
	Version  int    `json:"version"` // server_version_num
	Standby  bool   `json:"standby"`
	Timeline uint32 `json:"timeline"`
	Received uint64 `json:"received"` // WAL on its disk: received, or replayed when that is more
	Replayed uint64 `json:"replayed"`
	Paused   bool   `json:"paused,omitempty"`
	Upstream string `json:"upstream,omitempty"` // host:port that it receives from now
	Epoch    uint64 `json:"epoch"`              // recorded in the database; 0 for none
}

// inspection works as any user since PostgreSQL 10; what a user may not see is NULL. The control file's timeline of a
// primary is too old for a while after a promotion (until its next checkpoint), so it is read off the WAL's name.
const inspection = `
SELECT system_identifier::text, current_setting('server_version_num')::int, pg_is_in_recovery(),
       CASE WHEN pg_is_in_recovery() THEN greatest(timeline_id, (SELECT received_tli FROM pg_stat_wal_receiver))
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
       coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0', 0)::int8,
       coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::int8,
       CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
       coalesce((SELECT concat_ws(':', %s) FROM pg_stat_wal_receiver WHERE status = 'streaming'), '')
FROM pg_control_system(), pg_control_checkpoint()`

// inspect asks a server for its position.
func (s Server) inspect(ctx context.Context, conn *pgx.Conn) (p Position, err error) {
	// sender_host came with PostgreSQL 11.
	upstream := "sender_host, sender_port"
	if strings.HasPrefix(conn.PgConn().ParameterStatus("server_version"), "10.") {
		upstream = "'primary'"
	}
	p.Node = s.ID
	var timeline int64
	var received, replayed int64
	err = conn.QueryRow(ctx, fmt.Sprintf(inspection, upstream)).Scan(&p.SystemID, &p.Version, &p.Standby, &timeline, &received,
		&replayed, &p.Paused, &p.Upstream)
	if err != nil {
		return p, fmt.Errorf("ask node %d (%s) for its position: %w", s.ID, s.Addr(), err)
	}
	p.Timeline, p.Received, p.Replayed = uint32(timeline), uint64(received), uint64(replayed)
	p.Epoch, err = readEpoch(ctx, conn)
	return p, err
}
