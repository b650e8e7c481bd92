// Package backup replaces the data directory of a server by a new copy of the primary's. The copy is made beside it, on its
// host; the old data is there until the new streams, and an interrupted run is put in order by the next one.
package backup

import (
	"context"
	"fmt"
	"path"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// A Backup is one run. Whoever starts it has the lock of the data directory and has called Mend.
type Backup struct {
	standby.Pair
	Host    host.Host   // of the node
	Server  host.Server // the node's
	Data    string      // the real path of its data directory
	Primary *pgx.Conn   // a session of a superuser on To
	Rate    int64       // bytes a second at most; 0 is no limit
	Journal *step.Journal
	Stopped func(context.Context) error // is called when the old server has stopped, before its data goes; may be nil

	source source
	layout layout
	want   standby.Settings
	state  *State
	made   bool // the slot is this run's
}

// A source is what the primary says of itself.
type source struct {
	system  string
	version int    // server_version_num
	catalog string // name of the folder of its version in a tablespace, such as PG_15_202209061
	wal     uint64 // bytes of WAL that a backup comes with at least
	base    uint64 // bytes of its data directory, without tablespaces and WAL
	spaces  []tablespace
}

type tablespace struct {
	id    string // its OID
	where dir    // on the primary
	size  uint64
}

// Run makes the copy, stops the old server, and puts the copy in its place. The server is not started. The State is for
// Finish. After an error the old data is in its place, or the error says what is where.
func (b *Backup) Run(ctx context.Context) (*State, error) {
	for _, f := range []func(context.Context) error{b.look, b.login, b.space, b.slot, b.copy, b.settings, b.stop, b.stopped} {
		if err := f(ctx); err != nil {
			b.unslot(ctx)
			return nil, err
		}
	}
	// A swap that was broken off may be completed by the next run, whose server wants the slot.
	if err := b.swap(ctx); err != nil {
		return nil, err
	}
	return b.state, nil
}

// Plan finds out what Run would run into, and changes nothing.
func (b *Backup) Plan(ctx context.Context) error {
	for _, f := range []func(context.Context) error{b.look, b.login, b.space} {
		if err := f(ctx); err != nil {
			return err
		}
	}
	return nil
}

// look asks the primary and the host of the node how things are laid out.
func (b *Backup) look(ctx context.Context) error {
	return b.Journal.Do(step.Step{Step: "layout", Node: &b.Node.ID}, func(st *step.Step) (err error) {
		if b.source, err = askSource(ctx, b.Primary); err != nil {
			return fmt.Errorf("ask node %d for its tablespaces: %w", b.To.ID, err)
		}
		if b.layout, err = b.readLayout(ctx); err != nil {
			return err
		}
		b.state = &State{Moves: b.layout.moves, Spare: b.layout.spare}
		st.Detail = map[string]any{"moves": b.layout.moves, "bytes": b.source.total()}
		return nil
	})
}

const sourceQuestion = `SELECT (SELECT system_identifier::text FROM pg_control_system()), current_setting('server_version_num')::int,
	(SELECT catalog_version_no::text FROM pg_control_system()), 2 * pg_size_bytes(current_setting('wal_segment_size')),
	(SELECT sum(pg_tablespace_size(oid))::int8 FROM pg_tablespace WHERE pg_tablespace_location(oid) NOT LIKE '/%')`

const spacesQuestion = `SELECT oid::text, pg_tablespace_location(oid), pg_tablespace_size(oid) FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE '/%' ORDER BY oid`

func askSource(ctx context.Context, conn *pgx.Conn) (s source, err error) {
	var wal, base int64
	if err := conn.QueryRow(ctx, sourceQuestion).Scan(&s.system, &s.version, &s.catalog, &wal, &base); err != nil {
		return s, err
	}
	s.wal, s.base, s.catalog = uint64(wal), uint64(base), fmt.Sprintf("PG_%s_%s", Major(s.version), s.catalog)
	rows, err := conn.Query(ctx, spacesQuestion)
	if err != nil {
		return s, err
	}
	s.spaces, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t tablespace, err error) {
		var size int64
		err = row.Scan(&t.id, &t.where, &size)
		t.size = uint64(size)
		return t, err
	})
	return s, err
}

// total is how many bytes a copy takes.
func (s source) total() uint64 {
	all := s.base + s.wal
	for _, t := range s.spaces {
		all += t.size
	}
	return all
}

// Major is the name of a major version, such as 15, from server_version_num. It is that of folders and packages since
// PostgreSQL 10.
func Major(version int) string { return fmt.Sprint(version / 10000) }

// stop ends the server of the old data, when one runs.
func (b *Backup) stop(ctx context.Context) error {
	return b.Journal.Do(step.Step{Step: "stop", Node: &b.Node.ID}, func(st *step.Step) error {
		p, err := b.Server.Look(ctx)
		if err != nil {
			return err
		}
		if p.Postmaster == 0 && len(p.Others) == 0 {
			st.Detail = "it does not run"
			return nil
		}
		return b.Server.Stop(ctx, "fast")
	})
}

// stopped is the last look at the old data.
func (b *Backup) stopped(ctx context.Context) error {
	if b.Stopped == nil {
		return nil
	}
	return b.Stopped(ctx)
}

func (b *Backup) swap(ctx context.Context) error {
	return b.Journal.Do(step.Step{Step: "swap", Node: &b.Node.ID}, func(st *step.Step) error {
		st.Detail = b.state.Moves
		if err := b.state.swap(ctx, b.Host); err != nil {
			return fmt.Errorf("%w; %s says what is where, and the next run puts it in order", err, b.Data+stateSuffix)
		}
		return nil
	})
}

// refuse makes a follow.Refusal, which says that nothing was changed.
func refuse(mend, why string, args ...any) error {
	return follow.Refusal{Why: fmt.Sprintf(why, args...), Mend: mend}
}

// file is the path of a file in the new copy.
func (b *Backup) file(name string) string { return path.Join(b.Data+newSuffix, name) }
