package follow

import (
	"context"
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// restful is how long replay must make no progress before the rest of what a standby received is taken for a torn record,
// which will never be replayed, and which the new primary's WAL overwrites.
const restful = 200 * time.Millisecond

// judge refuses a standby that has replayed, or will replay, what is not in the history of the primary.
func (f *Follow) judge(ctx context.Context, n, m *server) error {
	return f.Journal.Do(step.Step{Step: "judge", Node: &n.ID}, func(st *step.Step) error {
		var last uint64
		since := f.Journal.Now()
		return step.Until(ctx, func() (bool, error) {
			if err := n.ask(ctx); err != nil {
				return false, err
			}
			// In this order, or a standby that keeps up would seem to be ahead.
			if err := m.ask(ctx); err != nil {
				return false, err
			}
			st.Timeline, st.Detail = n.Timeline, n.Position
			if err := f.has(m, n.Timeline, n.Replayed); err != nil {
				return false, err
			}
			if f.has(m, n.Timeline, n.Received) == nil {
				return true, nil
			}
			if n.Paused || n.Delayed {
				return false, Refusal{fmt.Sprintf("node %d has received WAL up to %s, which node %d does not have, and has not replayed it yet", n.ID, timeline.LSN(n.Received), m.ID),
					"resume its replay (SELECT pg_wal_replay_resume()) or set recovery_min_apply_delay to 0, and try again; what it then has may need pg_rewind"}
			}
			now := f.Journal.Now()
			if n.Replayed != last {
				last, since = n.Replayed, now
			}
			return now.Sub(since) >= restful, nil
		})
	})
}

// has returns a Refusal when the primary's history does not reach as far as a place on a timeline.
func (f *Follow) has(m *server, tli uint32, at uint64) error {
	end, none, known := m.history.End(tli)
	if none {
		end = m.Received
	}
	switch {
	case !known:
		return f.diverged(fmt.Sprintf("node %d is on timeline %d, which is not in the history of node %d on timeline %d", f.Node.ID, tli, m.ID, m.Timeline))
	case at > end:
		return f.diverged(fmt.Sprintf("node %d has WAL of timeline %d up to %s, and node %d has it up to %s only", f.Node.ID, tli, timeline.LSN(at), m.ID, timeline.LSN(end)))
	}
	return nil
}

// diverged says what to do about a server with WAL of its own.
func (f *Follow) diverged(why string) Refusal {
	return Refusal{why, fmt.Sprintf("it needs a rewind (stop it, pg_rewind -D %s --source-server='host=%s port=%d user=%s dbname=postgres'), or a new copy by pg_basebackup; then let it follow",
		f.Node.DataDirectory, f.To.Host, f.To.Port, f.To.User)}
}

// judgeFiles judges a server that does not run by its control file. It is an older server's last word only if it was
// shut down: after a crash nobody knows how far its WAL goes.
func (f *Follow) judgeFiles(srv *postmaster.Server, m *server) error {
	return f.Journal.Do(step.Step{Step: "judge", Node: &f.Node.ID}, func(st *step.Step) error {
		c, err := srv.Control()
		if err != nil {
			return fmt.Errorf("node %d: %w", f.Node.ID, err)
		}
		st.Timeline, st.Detail = c.Timeline, map[string]any{"sysid": c.SystemID, "checkpoint": timeline.LSN(c.Checkpoint), "stopped": c.Stopped, "standby": c.Standby}
		if err := sameSystem(f.Node.ID, c.SystemID, m); err != nil {
			return err
		}
		if c.Standby {
			return f.has(m, c.Timeline, c.Checkpoint)
		}
		return f.judgePrimary(c, m)
	})
}

// judgePrimary judges a server that was a primary when it ended. The record of its shutdown is its last one. The primary's
// history branches off at the end of a record, so beyond the beginning of that one means behind it.
func (f *Follow) judgePrimary(c postmaster.Control, m *server) error {
	if !c.Stopped {
		return f.diverged(fmt.Sprintf("node %d was a primary and was not shut down in order, so it may have WAL that node %d does not have", f.Node.ID, m.ID))
	}
	if c.CheckpointTimeline == m.Timeline {
		return f.diverged(fmt.Sprintf("node %d was a primary of timeline %d, as node %d is: the two cannot be told apart", f.Node.ID, m.Timeline, m.ID))
	}
	return f.has(m, c.CheckpointTimeline, c.Checkpoint+1)
}
