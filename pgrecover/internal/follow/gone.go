package follow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// Gone says that a standby needs WAL that the primary has removed, and that nobody brings.
type Gone struct {
	Node, To      int
	Needs, Oldest uint64 // the next byte for the standby, and the first one that the primary has
	Untouched     bool   // nothing was changed
}

// Why is the error without what mends it.
func (g Gone) Why() string {
	return fmt.Sprintf("node %d needs WAL from %s on, and node %d has removed it up to %s", g.Node, timeline.LSN(g.Needs), g.To, timeline.LSN(g.Oldest))
}

// Error implements error.
func (g Gone) Error() string {
	return fmt.Sprintf("%s: a new copy mends that (pgrecover run --node %d --method backup)", g.Why(), g.Node)
}

// oldestQuestion asks for the oldest file. The timelines of a server follow each other, so the place tells, not the timeline.
const oldestQuestion = `SELECT pg_size_bytes(current_setting('wal_segment_size')), coalesce(min(substr(name, 9)), '') FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'`

// Oldest asks the primary of a session for the first byte of WAL that it has.
func Oldest(ctx context.Context, primary *pgx.Conn) (uint64, error) {
	_, oldest, err := Removed(ctx, primary, "")
	return oldest, err
}

// Removed asks likewise, and also says where a segment begins, whose name is that of a file in pg_wal or "".
func Removed(ctx context.Context, primary *pgx.Conn, segment string) (begin, oldest uint64, err error) {
	var size int64
	var name string
	if err := primary.QueryRow(ctx, oldestQuestion).Scan(&size, &name); err != nil {
		return 0, 0, fmt.Errorf("ask for the oldest WAL: %w", err)
	}
	first, ok := timeline.ParseSegment("00000001"+name, uint64(size))
	if !ok {
		return 0, 0, fmt.Errorf("the oldest file in pg_wal is %q, which is no segment", name)
	}
	s, ok := timeline.ParseSegment(segment, uint64(size))
	if !ok && segment != "" {
		return 0, 0, fmt.Errorf("%q is no segment", segment)
	}
	return s.Begin, first.Begin, nil
}

// dryFor is how long a standby must have got nothing before the primary is asked whether it has what is needed. The primary
// refuses a receiver at once, and the standby tries again each wal_retrieve_retry_interval (5 s).
const dryFor = 2 * time.Second

// A Drought notices a standby that gets no WAL because the primary has removed it.
type Drought struct {
	Node, To int

	has   uint64
	since time.Time
}

// Look is told each time what the standby has, and whether it waits for more: it has asked the primary, streams nothing, and has
// no restore_command. The error is Gone when the primary has no WAL from there on.
func (d *Drought) Look(ctx context.Context, now time.Time, has uint64, waits bool, primary *pgx.Conn) error {
	if !waits || has == 0 || has != d.has {
		d.has, d.since = has, now
		return nil
	}
	if now.Sub(d.since) < dryFor {
		return nil
	}
	d.since = now
	// In this order: what was there when the standby had no more may have been sent since.
	oldest, err := Oldest(ctx, primary)
	if err != nil || oldest <= has {
		return err
	}
	return Gone{Node: d.Node, To: d.To, Needs: has, Oldest: oldest}
}

// lost is Gone when the primary has removed WAL that a standby needs which is to follow it, and no restore_command may bring it.
func (f *Follow) lost(ctx context.Context, n, m *server, restore string) error {
	if restore != "" || n.Paused || n.Delayed {
		return nil
	}
	var last uint64
	since := f.Journal.Now()
	return step.Until(ctx, func() (bool, error) {
		err := f.lacks(ctx, n.Received, m)
		if _, gone := errors.AsType[Gone](err); !gone {
			return true, err
		}
		// It may be replaying what it has still, and nobody knows how much that is.
		now := f.Journal.Now()
		if n.Received != last {
			last, since = n.Received, now
		}
		if now.Sub(since) >= dryFor {
			return false, err
		}
		return false, n.ask(ctx)
	})
}

// lacks is Gone when the primary has not the WAL from a place on.
func (f *Follow) lacks(ctx context.Context, from uint64, m *server) error {
	oldest, err := Oldest(ctx, m.conn)
	if err != nil {
		return fmt.Errorf("node %d (%s): %w", m.ID, m.Addr(), err)
	}
	if from >= oldest {
		return nil
	}
	return Gone{Node: f.Node.ID, To: m.ID, Needs: from, Oldest: oldest}
}

// untouched says of an error that nothing was changed before.
func untouched(err error) error {
	if g, ok := errors.AsType[Gone](err); ok {
		g.Untouched = true
		return g
	}
	return err
}
