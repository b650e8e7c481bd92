package stage

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/step"
)

// hastenPoll is how often it is looked whether a base backup waits.
const hastenPoll = 200 * time.Millisecond

// hasten ends the wait of base backups for their checkpoint, until ctx ends. pg_basebackup, unless its script says -c fast, has the
// primary spread it over minutes, and behind a promotion waits for the promotion's, spread likewise, as well. What fails here costs
// only time. PostgreSQL shows the wait since version 13.
func (s Stage) hasten(ctx context.Context) {
	s.ask(ctx, func(conn *pgx.Conn) error {
		var shown bool
		if err := conn.QueryRow(ctx, "SELECT to_regclass('pg_catalog.pg_stat_progress_basebackup') IS NOT NULL").Scan(&shown); err != nil || !shown {
			return err
		}
		for {
			var waits bool
			err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_progress_basebackup WHERE phase = 'waiting for checkpoint to finish')").Scan(&waits)
			if err == nil && waits {
				err = s.checkpoint(ctx, conn)
			}
			if err == nil {
				err = step.Sleep(ctx, hastenPoll)
			}
			if err != nil {
				return err
			}
		}
	})
}

// checkpoint asks for one at once, which speeds up the one that is under way.
func (s Stage) checkpoint(ctx context.Context, conn *pgx.Conn) error {
	return s.Journal.Do(step.Step{Step: "checkpoint", Node: &s.To.ID, Command: "CHECKPOINT"}, func(st *step.Step) error {
		_, err := conn.Exec(ctx, "CHECKPOINT")
		if ctx.Err() != nil {
			st.Detail = "the script has ended meanwhile"
			return nil
		}
		return err
	})
}
