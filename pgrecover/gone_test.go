package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/common/tooltest"
)

// roomy is a primary that keeps WAL for no other reason than wal_keep_size.
var roomy = pgtest.Conf("wal_log_hints = on\nwal_keep_size = 1GB")

// forget has the primary remove all WAL from before its last checkpoint.
func (r *rig) forget(t *testing.T) {
	r.primary.Exec(t, "ALTER SYSTEM SET wal_keep_size = 0")
	r.primary.Reload(t)
	r.primary.Until(t, "SHOW wal_keep_size", "0")
	r.primary.Exec(t, "CHECKPOINT")
}

// goesOn writes and makes checkpoints, so that all WAL from before is only kept by wal_keep_size.
func (r *rig) goesOn(t *testing.T) {
	for range 3 {
		r.primary.Exec(t, "CREATE TABLE IF NOT EXISTS more (n int); INSERT INTO more VALUES (1); SELECT pg_switch_wal()")
		r.primary.Exec(t, "CHECKPOINT")
	}
}

// after runs the program, and f after the first line of a step. It returns the steps in their order.
func (r *rig) after(t *testing.T, name string, f func(), args ...string) (status int, steps []step.Step, errs string) {
	t.Helper()
	o := &tooltest.Hook{Step: name, Then: f}
	status, steps, errs = r.to(t, o, args...)
	if o.Then != nil {
		t.Fatalf("there is no step %s", name)
	}
	return status, steps, errs
}

// copied wants that the way of the first plan was left for a new copy, which follows.
func (r *rig) copied(t *testing.T, first string, status int, steps []step.Step) {
	t.Helper()
	var methods, whys []string
	for _, s := range steps {
		if d, ok := s.Detail.(map[string]any); s.Step == "plan" && ok {
			methods, whys = append(methods, d["method"].(string)), append(whys, d["why"].(string))
		}
	}
	if status != exit.OK || strings.Join(methods, " ") != first+" backup" || !strings.Contains(whys[len(whys)-1], "removed") {
		t.Fatalf("status %d, plans %v, %q", status, methods, whys)
	}
	r.follows(t)
	if got := r.primary.Query1(t, "SELECT count(*) FROM pg_replication_slots WHERE temporary"); got != "0" {
		t.Errorf("%s slots are left", got)
	}
}

// parted makes node 1 of an old primary with WAL of its own.
func parted(t *testing.T) *rig {
	t.Helper()
	r, old := apart(t)
	old.Stop(t, pgtest.Immediate)
	return r
}

// apart is parted, and the old primary runs still.
func apart(t *testing.T) (*rig, *pgtest.Server) {
	t.Helper()
	old, standbys := pgtest.Cluster(t, 1, roomy)
	r := &rig{primary: standbys[0]}
	old.Exec(t, "CREATE TABLE t (n int)")
	r.primary.WaitReplay(t, old)
	r.primary.Promote(t)
	old.Exec(t, "INSERT INTO t VALUES (1)")
	r.goesOn(t)
	r.node(t, strings.TrimSuffix(old.Data(""), "/"), old.Port(), "")
	return r, old
}

// behind makes node 1 of a standby that was stopped a while ago.
func behind(t *testing.T) *rig {
	t.Helper()
	r := &rig{primary: pgtest.Primary(t, roomy)}
	s := r.primary.Standby(t, pgtest.NoSlot())
	s.WaitReplay(t, r.primary)
	s.Stop(t, pgtest.Fast)
	r.goesOn(t)
	r.node(t, strings.TrimSuffix(s.Data(""), "/"), s.Port(), "")
	return r
}

// The primary removes the WAL that the plan reckons with before a slot can keep it.
func TestWALGoesAfterThePlan(t *testing.T) {
	t.Parallel()
	for first, make := range map[string]func(*testing.T) *rig{"rewind": parted, "follow": behind} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			r := make(t)
			status, steps, _ := r.after(t, "plan", func() { r.forget(t) }, "run", "--local", "--timeout", "60s")
			for _, s := range steps {
				if s.Step == "rewind" || s.Step == "start" && steps[len(steps)-1].Step != "done" {
					t.Errorf("%+v", s)
				}
			}
			r.copied(t, first, status, steps)
		})
		t.Run(first+" demanded", func(t *testing.T) {
			t.Parallel()
			r := make(t)
			status, steps, errs := r.after(t, "plan", func() { r.forget(t) }, "run", "--local", "--timeout", "60s", "--method", first)
			if status != exit.Not || !strings.Contains(errs, "has removed the WAL") || steps[len(steps)-1].Step != "keep WAL" {
				t.Errorf("status %d, %s", status, errs)
			}
		})
	}
}

// What a node has is known when it was stopped, and the primary goes on meanwhile.
func TestWALGoesAfterTheStop(t *testing.T) {
	t.Parallel()
	r, _ := apart(t)
	status, steps, _ := r.after(t, "stop", func() { r.forget(t) }, "run", "--local", "--timeout", "60s")
	r.copied(t, "rewind", status, steps)
}

// A standby that lets clients in asks in vain for what was removed after all was set up.
func TestStandbyGetsNoWAL(t *testing.T) {
	t.Parallel()
	r := behind(t)
	status, steps, _ := r.after(t, "settings", func() { r.forget(t) }, "run", "--local", "--timeout", "90s")
	r.copied(t, "follow", status, steps)
}

// A server that was rewound needs all WAL since the last common checkpoint before it lets anybody in. pg_rewind does not get what
// the primary removes while it copies.
func TestStartGetsNoWAL(t *testing.T) {
	t.Parallel()
	lose := func(t *testing.T, r *rig) func() {
		return func() {
			r.forget(t)
			files, err := filepath.Glob(filepath.Join(r.data, "pg_wal", "????????????????????????"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if err := os.Remove(f); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	t.Run("auto", func(t *testing.T) {
		t.Parallel()
		r := parted(t)
		status, steps, _ := r.after(t, "rewind", lose(t, r), "run", "--local", "--timeout", "90s")
		r.copied(t, "rewind", status, steps)
	})
	t.Run("demanded", func(t *testing.T) {
		t.Parallel()
		r := parted(t)
		status, _, errs := r.after(t, "rewind", lose(t, r), "run", "--local", "--timeout", "90s", "--method", "rewind")
		if status != exit.Failed || !strings.Contains(errs, "a new copy mends that (pgrecover run --node 1 --method backup)") {
			t.Errorf("status %d, %s", status, errs)
		}
		r.recovers(t, "--local")
	})
}
