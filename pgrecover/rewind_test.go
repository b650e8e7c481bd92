package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/step"
)

// A new primary has written into other segments since its promotion and has made no checkpoint yet. The one that pg_rewind needs
// would remove the segment in which the histories part, with which the node begins.
func TestRewindKeepsWAL(t *testing.T) {
	t.Parallel()
	old, standbys := pgtest.Cluster(t, 1, pgtest.Conf("wal_log_hints = on\n"+pgtest.KeepWAL(t, 0)))
	primary := standbys[0]
	old.Exec(t, "CREATE TABLE t (n int)")
	primary.WaitReplay(t, old)
	// A promotion asks for a checkpoint and does not wait for it.
	resume := pauseCheckpoints(t, primary)
	primary.Promote(t)
	old.Exec(t, "INSERT INTO t VALUES (1)")
	old.Stop(t, pgtest.Immediate)
	for range 3 {
		primary.Exec(t, "INSERT INTO t VALUES (2)")
		primary.Exec(t, "SELECT pg_switch_wal()")
	}
	r := &rig{primary: primary}
	r.node(t, strings.TrimSuffix(old.Data(""), "/"), old.Port(), "")
	status, steps, _ := r.after(t, "keep WAL", resume, "run", "--local", "--method", "rewind", "--timeout", "40s")
	if status != exit.OK || !slices.ContainsFunc(steps, func(s step.Step) bool { return s.Step == "keep WAL" && s.OK }) {
		t.Fatalf("status %d", status)
	}
	r.follows(t)
	if got := primary.Query1(t, "SELECT count(*) FROM pg_replication_slots WHERE temporary"); got != "0" {
		t.Errorf("%s slots are left", got)
	}
}

// A standby that was started without standby.signal writes on, on the timeline that the primary has. While it is copied anew
// the primary grows beyond what it has, and its WAL looks like a part of the primary's.
func TestSameTimelineIsSaved(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	stray := r.primary.Standby(t, pgtest.Name("stray"), pgtest.NoSlot())
	stray.Stop(t, pgtest.Fast)
	if err := os.Remove(stray.Data("standby.signal")); err != nil {
		t.Fatal(err)
	}
	stray.Start(t)
	stray.Exec(t, "CREATE TABLE stray AS SELECT generate_series(1, 100) n")
	stray.Stop(t, pgtest.Fast)
	r.node(t, strings.TrimSuffix(stray.Data(""), "/"), stray.Port(), "")
	steps := r.recovers(t, "--local")
	if !steps["copy"].OK || !steps["divergent"].OK {
		t.Errorf("%+v", steps)
	}
	glob(t, r.data+".diverged/*/README")
}

// pauseCheckpoints holds up the checkpoints of a server until the function that it returns is called.
func pauseCheckpoints(t *testing.T, s *pgtest.Server) (resume func()) {
	t.Helper()
	pid, err := strconv.Atoi(s.Query1(t, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"))
	if err != nil {
		t.Fatal(err)
	}
	resume = func() { syscall.Kill(pid, syscall.SIGCONT) }
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(resume)
	return resume
}
