package follow

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// oldest is the first version whose standbys are configured by settings, not by recovery.conf.
const oldest = 120000

// A server is one that answered.
type server struct {
	backend.Server
	Position
	Settings standby.Settings
	conn     *pgx.Conn
	history  timeline.History // of a primary
}

// A Position is what a server tells of itself.
type Position struct {
	SystemID string `json:"sysid"`
	Version  int    `json:"version"` // server_version_num
	Standby  bool   `json:"standby"`
	Timeline uint32 `json:"timeline"`
	Received uint64 `json:"received"` // of a standby: on its disk; of a primary: written
	Replayed uint64 `json:"replayed"`
	Paused   bool   `json:"paused,omitempty"`
	Delayed  bool   `json:"delayed,omitempty"` // recovery_min_apply_delay is set
}

// inspection asks for a position. A standby's control file names the timeline of its last restart point, which may be
// older than what it has received since; the names of its WAL files do not lie.
const inspection = `
SELECT system_identifier::text, current_setting('server_version_num')::int, pg_is_in_recovery(),
       CASE WHEN pg_is_in_recovery() THEN greatest(timeline_id, min_recovery_end_timeline, (SELECT received_tli FROM pg_stat_wal_receiver),
                 (SELECT max(('x' || substr(name, 1, 8))::bit(32)::int) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'))
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
       coalesce(CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END - '0/0', 0)::int8,
       coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::int8,
       CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
       coalesce(nullif(current_setting('recovery_min_apply_delay', true), '0') <> '', false)
FROM pg_control_system(), pg_control_checkpoint(), pg_control_recovery()`

// Ask asks the server of a session for its position.
func Ask(ctx context.Context, conn *pgx.Conn) (p Position, err error) {
	var tli, received, replayed int64
	err = conn.QueryRow(ctx, inspection).Scan(&p.SystemID, &p.Version, &p.Standby, &tli, &received, &replayed, &p.Paused, &p.Delayed)
	p.Timeline, p.Received, p.Replayed = uint32(tli), uint64(received), uint64(replayed)
	return p, err
}

func (s *server) ask(ctx context.Context) error {
	p, err := Ask(ctx, s.conn)
	if err != nil {
		return fmt.Errorf("ask node %d (%s) for its position: %w", s.ID, s.Addr(), err)
	}
	s.Position = p
	return nil
}

// look logs in to a server and asks it.
func (f *Follow) look(ctx context.Context, b backend.Server) (s *server, err error) {
	err = f.Journal.Do(step.Step{Step: "inspect", Node: &b.ID}, func(st *step.Step) error {
		conn, err := f.login(ctx, b)
		if err != nil {
			return err
		}
		s = &server{Server: b, conn: conn}
		if err = s.ask(ctx); err == nil && s.Version >= oldest {
			s.Settings, err = standby.Read(s.setting(ctx))
		}
		st.Timeline, st.Detail = s.Timeline, s.Position
		if err != nil {
			s.close(ctx)
		}
		return err
	})
	return s, err
}

// login tries until ctx ends when the server is on this host, where it is known to run: it may be starting.
func (f *Follow) login(ctx context.Context, b backend.Server) (conn *pgx.Conn, err error) {
	if !f.Local || b.ID != f.Node.ID {
		return b.Connect(ctx)
	}
	const startingUp = "57P03"
	late := step.Until(ctx, func() (bool, error) {
		conn, err = b.Connect(ctx)
		if err != nil && backend.Code(err) != startingUp {
			return false, err
		}
		return err == nil, nil
	})
	if late != nil && err == nil {
		err = late
	}
	return conn, err
}

func (s *server) close(ctx context.Context) { s.conn.Close(context.WithoutCancel(ctx)) }

// known refuses a server whose settings as a standby are not among its settings.
func (s *server) known() error {
	if s.Version < oldest {
		return Refusal{fmt.Sprintf("node %d is older than PostgreSQL 12, whose standbys have a recovery.conf", s.ID), "make it a new copy (--method backup), or let it follow by hand"}
	}
	return nil
}

// setting reads settings of a session that the server gave us.
func (s *server) setting(ctx context.Context) func(name string) (string, error) {
	return func(name string) (value string, err error) {
		err = s.conn.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value)
		return value, err
	}
}

// primary looks at the server that is to be followed.
func (f *Follow) primary(ctx context.Context) (*server, error) {
	m, err := f.look(ctx, f.To)
	if err != nil {
		return nil, err
	}
	if m.Standby {
		m.close(ctx)
		return nil, Refusal{fmt.Sprintf("node %d is a standby itself", m.ID), "name the primary"}
	}
	if m.history, err = History(ctx, m.conn, m.Timeline); err != nil {
		m.close(ctx)
		return nil, fmt.Errorf("node %d (%s): %w", m.ID, m.Addr(), err)
	}
	return m, nil
}

// History asks the server of a session for the past of a timeline that it is on.
func History(ctx context.Context, conn *pgx.Conn, tli uint32) (timeline.History, error) {
	text := ""
	if tli > 1 {
		err := conn.QueryRow(ctx, "SELECT convert_from(pg_read_binary_file($1), 'SQL_ASCII')", "pg_wal/"+timeline.File(tli)).Scan(&text)
		if err != nil {
			return timeline.History{}, fmt.Errorf("read the history of timeline %d: %w", tli, err)
		}
	}
	return timeline.Parse(tli, text)
}
