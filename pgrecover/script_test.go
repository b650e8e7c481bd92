package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// scripted is a primary with Pgpool-II's extension and scripts, and an old primary, node 1, with 10000 rows that nobody else has.
func scripted(t *testing.T, more string) *rig {
	t.Helper()
	old, standbys := pgtest.Cluster(t, 1)
	r := &rig{primary: standbys[0]}
	if r.primary.Query1(t, "SELECT count(*) FROM pg_available_extensions WHERE name = 'pgpool_recovery'") == "0" {
		if os.Getenv("PGCREW_REQUIRE_POSTGRES") == "1" {
			t.Fatal("the extension pgpool_recovery is not installed: contrib/deps test")
		}
		t.Skip("the extension pgpool_recovery is not installed: contrib/deps test")
	}
	r.primary.WaitReplay(t, old)
	r.primary.Stop(t, pgtest.Fast)
	old.Exec(t, "CREATE TABLE mine AS SELECT generate_series(1, 10000) n")
	old.Kill(t, syscall.SIGKILL)
	r.primary.Start(t)
	r.primary.Promote(t)
	r.primary.ExecIn(t, "template1", "CREATE EXTENSION pgpool_recovery")
	for _, name := range []string{"recovery_1st_stage", "pgpool_remote_start"} {
		text, err := os.ReadFile(filepath.Join("internal/stage/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		r.primary.Write(t, name, strings.NewReplacer("BIN", pgtest.Bin(t), "SECRET", pgtest.Password).Replace(string(text)))
		if err := os.Chmod(r.primary.Data(name), 0o744); err != nil {
			t.Fatal(err)
		}
	}
	r.node(t, old.Data(""), old.Port(), more+"\nrecovery_1st_stage_command = 'recovery_1st_stage'")
	return r
}

// What only the old node has is saved before the script removes it, when its host can be reached.
func TestScriptRemovesNothingUnsaved(t *testing.T) {
	t.Parallel()
	_, more := overSSH(t)
	r := scripted(t, more)
	steps := r.recovers(t)
	saved, ok := steps["divergent"].Detail.(map[string]any)
	if !ok || saved["bytes"].(float64) < 500_000 || !steps["first stage"].OK {
		t.Fatalf("%+v", steps)
	}
	if _, err := os.Stat(filepath.Join(saved["saved"].(string), "README")); err != nil {
		t.Error(err)
	}

	r.stop(t)
	r.primary.Until(t, "SELECT count(*) FROM pg_replication_slots WHERE active", "0")
	r.primary.Exec(t, "SELECT pg_drop_replication_slot('node1')")
	text, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.file, append(text, "recovery_ssh_known_hosts = '/dev/null'\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	steps = r.recovers(t)
	if s := steps["divergent"]; !s.Skipped || !strings.Contains(s.Detail.(string), "/dev/null") {
		t.Errorf("its host is not known: %+v", s)
	}
}
