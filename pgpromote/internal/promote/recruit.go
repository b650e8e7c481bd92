package promote

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/step"
)

// Before is what a standby received from before it was recruited, so that it can be given back.
type Before struct {
	PrimaryConnInfo string `json:"primary_conninfo"`
	RestoreCommand  string `json:"restore_command"`
}

// recruit cuts a standby off from its upstream. A receiver that still reaches for a dead primary, or a restore_command that
// copies from it, would hold up the promotion, for five seconds or for ever; and what the standby has must not change
// any more while a candidate is chosen.
func (s Server) recruit(ctx context.Context, conn *pgx.Conn, version int) (Before, error) {
	var b Before
	err := conn.QueryRow(ctx, "SELECT current_setting('primary_conninfo', true), current_setting('restore_command', true)").
		Scan(&b.PrimaryConnInfo, &b.RestoreCommand)
	if version < 120000 {
		return b, errors.New("before PostgreSQL 12 the upstream is in recovery.conf, which needs a restart: promote it without recruiting")
	}
	if err != nil {
		return b, fmt.Errorf("read the upstream of node %d: %w", s.ID, err)
	}
	if err := setUpstream(ctx, conn, Before{}, version); err != nil {
		return b, fmt.Errorf("cut node %d off: %w", s.ID, err)
	}
	err = step.Until(ctx, func() (bool, error) {
		var receivers int
		err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_wal_receiver").Scan(&receivers)
		return receivers == 0, err
	})
	if err != nil && version < reloadable {
		err = fmt.Errorf("node %d still receives, and before PostgreSQL 13 only the end of its primary or a restart ends that: %w", s.ID, err)
	}
	return b, err
}

// reloadable is the first version that takes another primary_conninfo without a restart. Before it nothing is cut off, but
// a receiver ends with its primary.
const reloadable = 130000

// setUpstream changes from where a standby gets its WAL. Both settings take effect on reload since PostgreSQL 14, the
// first one since 13; a receiver ends when primary_conninfo changes.
func setUpstream(ctx context.Context, conn *pgx.Conn, b Before, version int) error {
	for _, p := range []struct{ name, value string }{{"primary_conninfo", b.PrimaryConnInfo}, {"restore_command", b.RestoreCommand}} {
		if p.name == "primary_conninfo" && version < reloadable || p.name == "restore_command" && version < 140000 {
			continue
		}
		if err := backend.Set(ctx, conn, p.name, p.value); err != nil {
			return err
		}
	}
	_, err := conn.Exec(ctx, "SELECT pg_reload_conf()")
	return err
}

// Recruit cuts the standby that the request names off from its upstream and reports what it has. One of this host that has
// fallen is started.
func (r *Run) Recruit(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Timeout(), r.late())
	defer cancel()
	if err := r.arise(ctx, true); err != nil {
		return err
	}
	return r.withOne(ctx, func(ctx context.Context, c *subject) error {
		if !c.pos.Standby {
			return fmt.Errorf("node %d is a primary", c.ID)
		}
		if err := r.cutOff(ctx, c, true); err != nil {
			return err
		}
		return r.Journal.Do(step.Step{Step: "position", Node: &c.ID}, func(st *step.Step) (err error) {
			c.pos, err = c.inspect(ctx, c.conn)
			st.Detail = c.pos
			return err
		})
	})
}

// cutOff is the step recruit. What it may say of the upstream holds a password, and is for Release only.
func (r *Run) cutOff(ctx context.Context, c *subject, say bool) error {
	return r.Journal.Do(step.Step{Step: "recruit", Node: &c.ID, Command: "ALTER SYSTEM SET primary_conninfo = ''"}, func(st *step.Step) error {
		before, err := c.recruit(ctx, c.conn, c.pos.Version)
		if say {
			st.Detail = before
		}
		return err
	})
}

// Release gives a recruited standby its upstream back.
func (r *Run) Release(ctx context.Context, b Before) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Timeout(), r.late())
	defer cancel()
	return r.withOne(ctx, func(ctx context.Context, c *subject) error {
		return r.Journal.Do(step.Step{Step: "release", Node: &c.ID, Command: "ALTER SYSTEM SET primary_conninfo = ..."}, func(*step.Step) error {
			if !c.pos.Standby {
				return fmt.Errorf("node %d is a primary", c.ID)
			}
			return setUpstream(ctx, c.conn, b, c.pos.Version)
		})
	})
}

// withOne logs in to the server that the request names.
func (r *Run) withOne(ctx context.Context, f func(context.Context, *subject) error) error {
	found, err := r.look(ctx, false)
	defer closeAll(ctx, found)
	if err != nil {
		return err
	}
	return f(ctx, found[0])
}
