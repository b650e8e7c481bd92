package stage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
)

// hung is how long nothing may work on the data of a node until scripts that still run for it count as hung.
const hung = 3 * time.Second

// holder is the server process that runs scripts for a node, and since when; 0 is none. The lock may be in any database.
func holder(ctx context.Context, conn *pgx.Conn, node int) (pid int, since string, err error) {
	err = conn.QueryRow(ctx, `SELECT coalesce(max(l.pid), 0), coalesce(max(a.query_start)::timestamptz(0)::text, '?') FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
		WHERE l.locktype = 'advisory' AND l.classid = $1 AND l.objid = $2 AND l.granted`, lockClass, node).Scan(&pid, &since)
	return pid, since, err
}

// Settle returns when no scripts run any more that an earlier run began and did not live to see the end of. busy tells what
// works on the data of the node. When nothing does, they are ended: ssh waits for hours for a host that was switched off. The
// caller has the lock of the data directory, and a session of a superuser on the primary.
func (s Stage) Settle(ctx context.Context, conn *pgx.Conn, busy func(context.Context) (string, error)) error {
	pid, since, err := holder(ctx, conn, s.Node.ID)
	if err != nil || pid == 0 {
		return err
	}
	err = s.Journal.Do(step.Step{Step: "wait", Node: &s.To.ID}, func(st *step.Step) error {
		st.Detail = fmt.Sprintf("for the scripts of an earlier recovery, which server process %d runs since %s", pid, since)
		return nil
	})
	if err != nil {
		return err
	}
	return s.Journal.Do(step.Step{Step: "earlier scripts", Node: &s.To.ID}, func(st *step.Step) error {
		ended, err := s.outlast(ctx, conn, busy)
		if err != nil || !ended {
			return err
		}
		st.Detail = "nothing worked on node " + fmt.Sprint(s.Node.ID) + " any more, and they were ended"
		return s.calm(ctx, busy)
	})
}

// outlast waits for the end of scripts, and ends those that are hung.
func (s Stage) outlast(ctx context.Context, conn *pgx.Conn, busy func(context.Context) (string, error)) (ended bool, err error) {
	for quiet := time.Duration(0); ; quiet += poll {
		pid, _, err := holder(ctx, conn, s.Node.ID)
		if err != nil || pid == 0 {
			return ended, err
		}
		work, err := busy(ctx)
		if err != nil {
			return ended, err
		}
		switch {
		case work != "":
			quiet = 0
		case quiet >= hung:
			// The signal reaches all processes of its group: the scripts, for which it waits.
			if _, err := conn.Exec(ctx, "SELECT pg_terminate_backend($1)", pid); err != nil {
				return ended, fmt.Errorf("end the server process %d on node %d: %w", pid, s.To.ID, err)
			}
			ended, quiet = true, 0
		}
		if err := step.Sleep(ctx, poll); err != nil {
			return ended, err
		}
	}
}

// calm waits until nothing works on the data any more: what a script ran by ssh may outlive it.
func (s Stage) calm(ctx context.Context, busy func(context.Context) (string, error)) error {
	for left := s.Timeout; ; left -= poll {
		work, err := busy(ctx)
		if err != nil || work == "" {
			return err
		}
		if left <= 0 {
			return follow.Refusal{Why: fmt.Sprintf("something works on the data of node %d: %s", s.Node.ID, work), Mend: "wait for its end, or end it"}
		}
		if err := step.Sleep(ctx, poll); err != nil {
			return err
		}
	}
}
