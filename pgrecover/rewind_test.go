package main

import (
	"os"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// A new primary has written into other segments since its promotion and has made no checkpoint yet. The one that pg_rewind needs
// would remove the segment in which the histories part, with which the node begins.
func TestRewindKeepsWAL(t *testing.T) {
	t.Parallel()
	old, standbys := pgtest.Cluster(t, 1, pgtest.Conf("wal_log_hints = on\nwal_keep_size = 0"))
	primary := standbys[0]
	old.Exec(t, "CREATE TABLE t (n int)")
	primary.WaitReplay(t, old)
	primary.Promote(t)
	old.Exec(t, "INSERT INTO t VALUES (1)")
	old.Stop(t, pgtest.Immediate)
	for range 3 {
		primary.Exec(t, "INSERT INTO t VALUES (2)")
		primary.Exec(t, "SELECT pg_switch_wal()")
	}
	r := &rig{primary: primary}
	r.node(t, strings.TrimSuffix(old.Data(""), "/"), old.Port(), "")
	steps := r.recovers(t, "--local", "--method", "rewind", "--timeout", "40s")
	if !steps["keep WAL"].OK || steps["rewind"].Step == "" {
		t.Errorf("%+v", steps)
	}
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
