package stage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// seen is the detail of the step stream.
type seen struct {
	Status   string `json:"status"` // of pg_stat_wal_receiver; "" when there is none
	From     string `json:"from"`
	Replayed string `json:"replayed"`

	received uint64
	waits    bool // for WAL of the primary, and nothing else brings it
}

// poll is how often the node is asked.
const poll = 100 * time.Millisecond

// errStreams ends the waiting for a script.
var errStreams = errors.New("the node streams, and what the script still does was not waited for")

// start runs pgpool_remote_start, and returns when the node follows. pg_ctlcluster, which such scripts call, goes on to look for
// two seconds whether a server that lets clients in will stay.
func (s Stage) start(ctx context.Context, p primary) error {
	calling, leave := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if s.ask(calling, func(conn *pgx.Conn) error {
			_, err := s.follows(calling, conn, new(step.Step))
			return err
		}) == nil {
			leave(errStreams)
		}
	})
	err := p.start(calling)
	leave(nil)
	wg.Wait()
	if err != nil {
		return err
	}
	return s.ask(ctx, func(conn *pgx.Conn) error { return s.stream(ctx, conn) })
}

// ask has a session on the primary, while the one that runs a script is busy, or gone.
func (s Stage) ask(ctx context.Context, f func(*pgx.Conn) error) error {
	conn, err := s.To.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return f(conn)
}

// stream waits until the node really streams, and has replayed what the primary had when the waiting began. Pgpool-II only
// connects, and calls a recovery successful after which nothing replicates.
func (s Stage) stream(ctx context.Context, primary *pgx.Conn) error {
	late := fmt.Errorf("within recovery_timeout (%v): %w", s.Timeout, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, s.Timeout, late)
	defer cancel()
	return s.Journal.Do(step.Step{Step: "stream", Node: &s.Node.ID}, func(st *step.Step) error {
		lacks, err := s.follows(ctx, primary, st)
		if lacks != nil {
			return fmt.Errorf("the scripts have ended without an error, but node %d does not follow node %d (%w): %w", s.Node.ID, s.To.ID, lacks, err)
		}
		return err
	})
}

// follows waits until the node follows, and fills in what was seen then. With an error it also tells what the node lacks, when it
// was asked.
func (s Stage) follows(ctx context.Context, primary *pgx.Conn, st *step.Step) (lacks, err error) {
	if err := follow.Mark(ctx, primary); err != nil {
		return nil, fmt.Errorf("node %d (%s): %w", s.To.ID, s.To.Addr(), err)
	}
	to, err := follow.Ask(ctx, primary)
	if err != nil {
		return nil, fmt.Errorf("ask node %d (%s) for its position: %w", s.To.ID, s.To.Addr(), err)
	}
	st.Timeline = to.Timeline
	dry := follow.Drought{Node: s.Node.ID, To: s.To.ID}
	for {
		now, lacks := s.look(ctx, to)
		if lacks == nil {
			st.Detail = now
			return nil, nil
		}
		if err := dry.Look(ctx, s.Journal.Now(), now.received, now.waits, primary); err != nil {
			return lacks, err
		}
		if err := step.Sleep(ctx, poll); err != nil {
			return lacks, err
		}
	}
}

// lookQuestion also tells whether the node waits: it has received the beginning of a segment at least, as one that has asked for it,
// and nothing now. Before PostgreSQL 12 nobody knows the restore_command.
const lookQuestion = `SELECT coalesce(status, ''), coalesce(to_jsonb(r) ->> 'sender_host', ''),
	status IS DISTINCT FROM 'streaming' AND pg_last_wal_receive_lsn() IS NOT NULL AND coalesce(current_setting('restore_command', true), '?') = ''
	FROM (SELECT) nothing LEFT JOIN pg_stat_wal_receiver r ON true`

// look asks the node, and says what it lacks.
func (s Stage) look(ctx context.Context, to follow.Position) (v seen, lacks error) {
	conn, err := s.Node.Connect(ctx)
	if err != nil {
		return v, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	n, err := follow.Ask(ctx, conn)
	if err != nil {
		return v, err
	}
	v.Replayed, v.received = timeline.LSN(n.Replayed), n.Received
	err = conn.QueryRow(ctx, lookQuestion).Scan(&v.Status, &v.From, &v.waits)
	v.waits = v.waits && !n.Paused && !n.Delayed
	switch {
	case err != nil:
		return v, err
	case !n.Standby:
		return v, errors.New("it is a primary")
	case n.SystemID != to.SystemID:
		return v, errors.New("it belongs to another cluster")
	case v.Status != "streaming":
		return v, fmt.Errorf("its WAL receiver is %q: its log has the reason, such as a slot that is missing", v.Status)
	case n.Timeline != to.Timeline:
		return v, fmt.Errorf("it is on timeline %d, not %d", n.Timeline, to.Timeline)
	case n.Replayed < to.Received && !n.Paused && !n.Delayed:
		return v, fmt.Errorf("it has replayed up to %s of %s", v.Replayed, timeline.LSN(to.Received))
	}
	return v, nil
}
