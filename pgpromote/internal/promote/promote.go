package promote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
)

// again is how often the signal is repeated. PostgreSQL 15's startup process can miss one while its receiver ends, and then
// sleeps for wal_retrieve_retry_interval.
const again = 60 * time.Millisecond

// stuck is when a standby that was signalled is taken to hang in its restore_command: replay of its last records has
// been waited for before.
const stuck = 500 * time.Millisecond

// promote signals the standby until it has left recovery. pg_promote's own waiting returns up to a tenth of a second
// late. A server that falls meanwhile, as PostgreSQL does when its restore_command is killed, is started again when it is on
// this host.
func (r *Run) promote(ctx context.Context, c *subject) error {
	begin, freed := r.Journal.Now(), false
	for {
		err := c.signal(ctx, c.conn)
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case c.conn.IsClosed() && r.Local && freed:
			if err := r.revive(ctx, c); err != nil {
				return fmt.Errorf("promote node %d (%s): %w", c.ID, c.Addr(), err)
			}
		case !errors.Is(err, errStandby):
			return fmt.Errorf("promote node %d (%s): %w", c.ID, c.Addr(), err)
		case r.Local && r.Journal.Now().Sub(begin) >= stuck:
			freed = unblock(c.DataDirectory) || freed
		}
	}
}

// errStandby says that a server is a standby still.
var errStandby = errors.New("it is a standby still")

// signal asks for the promotion once and waits a moment for it.
func (s Server) signal(ctx context.Context, conn *pgx.Conn) error {
	var signalled bool
	err := conn.QueryRow(ctx, "SELECT pg_promote(wait => false) FROM (SELECT pg_is_in_recovery()) r (standby) WHERE standby").Scan(&signalled)
	if err == pgx.ErrNoRows {
		return nil
	}
	// Between the look and the signal it may have become a primary (55000).
	if err != nil && backend.Code(err) != "55000" {
		return err
	}
	round, cancel := context.WithTimeoutCause(ctx, again, errStandby)
	defer cancel()
	return s.recovered(round, conn)
}

// revive starts a server that has fallen, as soon as nothing of it is left, and logs in again. It is started without its
// restore_command, of which recruit could not rid it before PostgreSQL 14.
func (r *Run) revive(ctx context.Context, c *subject) error {
	return r.Journal.Do(step.Step{Step: "start", Node: &c.ID}, func(*step.Step) error {
		return step.Until(ctx, func() (bool, error) {
			srv := postmaster.New(c.DataDirectory)
			switch st := srv.Look(); st.Postmaster {
			case postmaster.Dead:
				if err := srv.Alter(postmaster.Setting{Name: "restore_command"}); err != nil {
					return false, err
				}
				if err := srv.Start(ctx); err != nil {
					return false, err
				}
			case postmaster.Orphans:
				return false, nil
			}
			conn, err := c.Connect(ctx)
			if err == nil {
				c.conn = conn
			}
			return err == nil, nil
		})
	})
}

// recovered waits until the server is no standby any more. A query is never cut off by ctx, which would end the session.
func (s Server) recovered(ctx context.Context, conn *pgx.Conn) error {
	return step.Until(ctx, func() (bool, error) {
		var standby bool
		err := conn.QueryRow(context.WithoutCancel(ctx), "SELECT pg_is_in_recovery()").Scan(&standby)
		return !standby, err
	})
}
