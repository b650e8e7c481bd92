package follow

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

func TestSwitchover(t *testing.T) {
	t.Parallel()
	for name, include := range map[string]bool{"never a standby": false, "the lab's include line": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, standbys := cluster(t, 1)
			if include {
				includeSettings(t, primary, standbys[0])
				primary.Write(t, "myrecovery.conf", "primary_conninfo = 'host=db7 port=1 user=postgres password="+pgtest.Password+" application_name=old'\nprimary_slot_name = 'old'\n")
			}
			primary.Stop(t, pgtest.Fast)
			standbys[0].Promote(t)
			standbys[0].Exec(t, "INSERT INTO t VALUES (42)")
			f := prepare(t, 0, 1, primary, standbys[0])
			f.Local = true
			steps, err := run(t, f)
			if err != nil {
				t.Fatalf("%v\n%s", err, primary.Log())
			}
			if s := steps["done"]; !s.OK || s.Timeline != 2 {
				t.Errorf("%+v", s)
			}
			if slots, _ := steps["done"].Detail.(map[string]any)["idle_slots"].([]any); len(slots) != 1 || slots[0] != "standby1" {
				t.Errorf("idle slots: %v", steps["done"].Detail)
			}
			streams(t, primary, standbys[0])
			if got := primary.Query1(t, "SELECT n FROM t"); got != "42" {
				t.Errorf("the old primary has %q", got)
			}
			want := "old"
			if !include {
				want = f.pair().SlotName()
			}
			if got := standbys[0].Query1(t, "SELECT slot_name FROM pg_replication_slots WHERE active"); got != want {
				t.Errorf("it streams by the slot %q, want %q", got, want)
			}
			if steps, err = run(t, f); err != nil || steps["start"].OK {
				t.Errorf("the second time: %v, %+v", err, steps)
			}
		})
	}
}

func TestStoppedStandby(t *testing.T) {
	t.Parallel()
	all := failedOver(t)
	all[2].Stop(t, pgtest.Fast)
	f := prepare(t, 2, 1, all...)
	if _, err := run(t, f); err == nil || !strings.Contains(err.Error(), "log in to node 2") {
		t.Errorf("from another host: %v", err)
	}
	f.Local, f.DryRun = true, true
	if _, err := run(t, f); err != nil || all[2].Running() {
		t.Errorf("a dry run: %v", err)
	}
	f.DryRun = false
	if _, err := run(t, f); err != nil {
		t.Fatal(err)
	}
	streams(t, all[2], all[1])
}

// refusedStopped wants a Refusal that has changed no file.
func refusedStopped(t *testing.T, f *Follow, s *pgtest.Server, words ...string) {
	t.Helper()
	f.Local = true
	before, err := os.ReadFile(s.Data("postgresql.auto.conf"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = run(t, f)
	var refusal Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("it was not refused: %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in %v", w, err)
		}
	}
	after, _ := os.ReadFile(s.Data("postgresql.auto.conf"))
	if string(after) != string(before) {
		t.Error("postgresql.auto.conf has changed")
	}
	if _, err := os.Stat(s.Data("standby.signal")); err == nil {
		t.Error("there is a standby.signal")
	}
}

func TestCrashedPrimary(t *testing.T) {
	t.Parallel()
	primary, standbys := cluster(t, 1)
	primary.Kill(t, syscall.SIGKILL)
	standbys[0].Promote(t)
	refusedStopped(t, prepare(t, 0, 1, primary, standbys[0]), primary, "not shut down in order", "pg_rewind", "pg_basebackup")
}

func TestPrimaryWithMoreThanTheNewOne(t *testing.T) {
	t.Parallel()
	primary, standbys := cluster(t, 1)
	standbys[0].Stop(t, pgtest.Fast)
	primary.Exec(t, "INSERT INTO t VALUES (1)")
	primary.Stop(t, pgtest.Fast)
	standbys[0].Start(t)
	standbys[0].Promote(t)
	refusedStopped(t, prepare(t, 0, 1, primary, standbys[0]), primary, "WAL of timeline 1 up to", "pg_rewind")
}

func TestStoppedServerOfAnotherCluster(t *testing.T) {
	t.Parallel()
	primary := pgtest.Primary(t)
	other := pgtest.Primary(t, pgtest.InitDB())
	primary.Stop(t, pgtest.Fast)
	refusedStopped(t, prepare(t, 0, 1, primary, other), primary, "different clusters")
}

func TestTwoPrimariesOfOneTimeline(t *testing.T) {
	t.Parallel()
	// Both are copies of one template, with one system identifier.
	primary, other := pgtest.Primary(t), pgtest.Primary(t)
	primary.Stop(t, pgtest.Fast)
	refusedStopped(t, prepare(t, 0, 1, primary, other), primary, "cannot be told apart")
}

func TestCommandLineWins(t *testing.T) {
	t.Parallel()
	all := failedOver(t)
	opts, err := os.ReadFile(all[0].Data("postmaster.opts"))
	if err != nil {
		t.Fatal(err)
	}
	all[0].Write(t, "postmaster.opts", strings.TrimSpace(string(opts))+` "-c" "primary_conninfo=host=x"`+"\n")
	f := prepare(t, 0, 1, all...)
	f.Local = true
	if _, err := run(t, f); err == nil || !strings.Contains(err.Error(), "command line") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(all[0].Data("standby.signal")); err == nil {
		t.Error("there is a standby.signal")
	}
}
