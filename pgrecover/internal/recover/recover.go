// Package recover makes a node a standby of the primary: it finds the way, goes it, and ends when the node streams and replays.
package recover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/backup"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/plan"
	"github.com/pgcrew/pgcrew/pgrecover/internal/stage"
	"github.com/pgcrew/pgcrew/pgrecover/internal/standby"
)

// A Recover is one run. It may be run again after any error, and does what is left to do.
type Recover struct {
	standby.Pair
	Open     func(context.Context) (host.Host, error) // reaches the host of Node
	Wish     plan.Wish
	Epoch    uint64        // the caller's: a newer one in the database refuses him; 0 is not known
	Rate     int64         // bytes a second of a copy at most; 0 is no limit
	Keep     bool          // the old data stays beside a new copy
	DryRun   bool          // say what would be done, change nothing
	Patience time.Duration // how long the node may neither stream nor replay any more when all is set up
	Database string        // recovery_database
	Journal  *step.Journal
}

// A run is a Recover under way.
type run struct {
	Recover
	question plan.Question
	plan     plan.Plan
	server   host.Server
	data     string // the real path of the data directory
	primary  *pgx.Conn
	keeps    bool          // keepWAL was tried
	left     *backup.State // what an earlier run left, or this one: a copy that has not streamed yet
}

// Run returns when Node streams and replays from To.
func (r Recover) Run(ctx context.Context) error {
	conn, err := r.To.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	x := &run{Recover: r, primary: conn, question: plan.Question{Node: r.Node, To: r.To, Cluster: r.Cluster}}
	if err := x.current(ctx); err != nil {
		return err
	}
	h, err := r.Open(ctx)
	if err != nil {
		x.question.NoHost = err
		return x.planned(ctx)
	}
	defer h.Close()
	x.question.Host = h
	if x.data, err = host.RealPath(ctx, h, r.Node.DataDirectory); err != nil {
		return err
	}
	if r.DryRun {
		return x.planned(ctx)
	}
	ctx, release, err := host.Lock(ctx, h, x.data)
	if err != nil {
		return err
	}
	defer release()
	earlier := stage.Stage{Node: r.Node, To: r.To, Timeout: r.Patience, Journal: r.Journal}
	if err := earlier.Settle(ctx, conn, func(ctx context.Context) (string, error) { return host.Busy(ctx, h, r.Node.DataDirectory) }); err != nil {
		return err
	}
	if x.left, err = backup.Mend(ctx, h, r.Node.ID, x.data, r.Journal); err != nil {
		return err
	}
	return x.planned(ctx)
}

// current refuses a primary that is none, and a caller who does not know the newest one.
func (x *run) current(ctx context.Context) error {
	var standby bool
	if err := x.primary.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&standby); err != nil {
		return fmt.Errorf("ask node %d (%s): %w", x.To.ID, x.To.Addr(), err)
	}
	if standby {
		return follow.Refusal{Why: fmt.Sprintf("node %d is a standby itself", x.To.ID), Mend: "name the primary"}
	}
	if x.Epoch == 0 {
		return nil
	}
	newest, err := newestEpoch(ctx, x.primary)
	if err == nil && newest > x.Epoch {
		err = follow.Refusal{Why: fmt.Sprintf("epoch %d is over: node %d has recorded epoch %d", x.Epoch, x.To.ID, newest), Mend: "ask pgwatch for the newest one"}
	}
	return err
}

// newestEpoch is what pgpromote has recorded last, or 0.
func newestEpoch(ctx context.Context, conn *pgx.Conn) (uint64, error) {
	var epoch int64
	err := conn.QueryRow(ctx, "SELECT coalesce(max(epoch), 0) FROM pgcrew.epoch").Scan(&epoch)
	const undefinedTable, invalidSchema = "42P01", "3F000"
	if c := backend.Code(err); c == undefinedTable || c == invalidSchema {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read pgcrew.epoch: %w", err)
	}
	return uint64(epoch), nil
}

// find makes the plan.
func (x *run) find(ctx context.Context) error {
	return x.Journal.Do(step.Step{Step: "plan", Node: &x.Node.ID}, func(st *step.Step) (err error) {
		x.plan, err = plan.Find(ctx, x.question, x.Wish)
		st.Detail = x.plan
		return err
	})
}

// planned finds the way and goes it.
func (x *run) planned(ctx context.Context) error {
	if err := x.find(ctx); err != nil {
		return err
	}
	if err := x.programs(ctx); err != nil {
		return err
	}
	if x.DryRun {
		return x.preview(ctx)
	}
	err := x.goes(ctx)
	if gone, ok := errors.AsType[follow.Gone](err); ok && x.cheap() && ctx.Err() == nil {
		return x.copyInstead(ctx, gone)
	}
	return err
}

// goes goes the way of the plan.
func (x *run) goes(ctx context.Context) error {
	switch x.plan.Method {
	case plan.Nothing:
		return x.verify(ctx)
	case plan.Follow:
		return x.follow(ctx)
	case plan.Rewind:
		return x.rewind(ctx)
	case plan.Script:
		return x.script(ctx)
	}
	return x.backup(ctx)
}

// programs finds the programs on the node's host: those of its data, or for a new copy those of the primary's version.
func (x *run) programs(ctx context.Context) error {
	h := x.question.Host
	if h == nil {
		return nil
	}
	x.server = host.Server{Host: h, Data: x.Node.DataDirectory, Bin: x.plan.Facts.Target.Bin}
	if x.server.Bin != "" && x.plan.Method != plan.Backup {
		return nil
	}
	source := x.plan.Facts.Source
	bin, err := host.Programs(ctx, h, x.Node.DataDirectory, backup.Major(source.Version), source.Bin)
	x.server.Bin = bin
	return err
}

// preview tries what can be tried without changing anything.
func (x *run) preview(ctx context.Context) error {
	if x.plan.Method != plan.Backup {
		return nil
	}
	return x.newBackup().Plan(ctx)
}

// follower is the run of package follow that goes with this one.
func (x *run) follower() *follow.Follow {
	return &follow.Follow{Node: x.Node, To: x.To, Cluster: x.Cluster, Journal: x.Journal, Patience: x.Patience, After: x.clean, Restart: x.restart}
}

// verify waits until the node streams, and says that it is done.
func (x *run) verify(ctx context.Context) error {
	return x.unproved(x.watched(ctx, x.follower().Verify))
}

// unproved adds to an error what is where, when there is a copy that has not streamed yet.
func (x *run) unproved(err error) error {
	if err != nil && x.left != nil {
		return fmt.Errorf("%w; the new copy is in %s, and the old data beside it until it streams: when the cause is mended, run this again", err, x.data)
	}
	return err
}

// clean removes what is left of a copy that now streams.
func (x *run) clean(ctx context.Context) error {
	if x.left == nil {
		return nil
	}
	return x.left.Finish(ctx, x.question.Host, x.Node.ID, x.Keep, x.Journal)
}

// restart restarts the node's server.
func (x *run) restart(ctx context.Context) error {
	if x.question.Host == nil {
		return fmt.Errorf("node %d has its new settings and needs a restart for them, and its host cannot be reached: %w", x.Node.ID, x.question.NoHost)
	}
	if err := x.server.Stop(ctx, "fast"); err != nil {
		return err
	}
	return x.server.Start(ctx)
}

// start starts the node's server.
func (x *run) start(ctx context.Context) error {
	return x.Journal.Do(step.Step{Step: "start", Node: &x.Node.ID}, func(*step.Step) error { return x.watched(ctx, x.server.Start) })
}
