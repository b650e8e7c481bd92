package trap

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/probe"
)

// wanted are the settings that rules look at.
var wanted = []string{"restore_command", "archive_command", "archive_mode", "wal_retrieve_retry_interval", "hot_standby", "wal_log_hints",
	"data_checksums", "full_page_writes", "max_wal_senders", "max_replication_slots", "wal_level", "wal_keep_size", "wal_keep_segments", "max_slot_wal_keep_size",
	"synchronous_standby_names"}

// Ask gathers the Facts of a server over a session. What the session may not see is left out.
func (c Crew) Ask(ctx context.Context, id int, conn *probe.Conn) (Facts, error) {
	f := Facts{ID: id, Settings: map[string]string{}}
	rows, err := conn.Rows(ctx, "SELECT name, setting FROM pg_settings WHERE name IN ('"+strings.Join(wanted, "', '")+"')")
	if err != nil {
		return f, err
	}
	for _, r := range rows {
		f.Settings[r[0]] = r[1]
	}
	if rows, err = conn.Rows(ctx, "SELECT pg_is_in_recovery()"); err != nil {
		return f, err
	}
	f.Standby = rows[0][0] == "t"
	if f.Primary = !f.Standby; f.Primary {
		err = c.askPrimary(ctx, &f, conn)
	}
	return f, err
}

func (c Crew) askPrimary(ctx context.Context, f *Facts, conn *probe.Conn) error {
	rows, err := conn.Rows(ctx, "SELECT application_name FROM pg_stat_replication")
	if err != nil {
		return err
	}
	for _, r := range rows {
		f.Receivers = append(f.Receivers, r[0])
	}
	rows, err = conn.Rows(ctx, "SELECT count(*), count(*) FILTER (WHERE active) FROM pg_replication_slots WHERE slot_type = 'physical'")
	if err != nil {
		return err
	}
	f.Slots, _ = strconv.Atoi(rows[0][0])
	f.Used, _ = strconv.Atoi(rows[0][1])
	if f.Idle, err = askSlots(ctx, conn); err != nil {
		return err
	}
	rows, err = conn.Rows(ctx, fmt.Sprintf("SELECT 1 FROM pg_roles WHERE rolsuper AND rolcanlogin AND rolname = '%s'", strings.ReplaceAll(c.RecoveryUser, "'", "''")))
	f.Super = len(rows) > 0
	return err
}

// Read gathers the Facts of a standby of this host that does not run from its files. ok is false when it is none.
func Read(ctx context.Context, id int, srv *postmaster.Server) (f Facts, ok bool) {
	if st := srv.Look(); st.Postmaster != postmaster.Dead || !st.Standby {
		return f, false
	}
	f = Facts{ID: id, Standby: true, Settings: map[string]string{}}
	for _, name := range wanted {
		// One that this version does not have is left out.
		if value, err := srv.Setting(ctx, name); err == nil {
			f.Settings[name] = value
		}
	}
	return f, true
}
