package promote

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/step"
)

const (
	restful = 200 * time.Millisecond // without progress: the rest is a torn record that will never be replayed
	catchUp = 10 * time.Second       // then promotion replays what is left
)

// settle resumes replay and waits until the standby has replayed what it has.
func (s Server) settle(ctx context.Context, conn *pgx.Conn, now func() time.Time) (Position, error) {
	if _, err := conn.Exec(ctx, "SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery() AND pg_is_wal_replay_paused()"); err != nil {
		return Position{}, fmt.Errorf("resume replay on node %d: %w", s.ID, err)
	}
	begin := now()
	last, since := uint64(0), begin
	for {
		p, err := s.inspect(ctx, conn)
		if err != nil || !p.Standby || p.Replayed >= p.Received {
			return p, err
		}
		at := now()
		if p.Replayed != last {
			last, since = p.Replayed, at
		}
		if at.Sub(since) >= restful || at.Sub(begin) >= catchUp {
			return p, nil
		}
		if err := step.Sleep(ctx, step.Poll); err != nil {
			return p, err
		}
	}
}
