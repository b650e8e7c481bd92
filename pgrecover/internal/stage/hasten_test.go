package stage

import (
	"context"
	"strings"
	"testing"
)

// A script that lets pg_basebackup wait for a checkpoint that is spread over hours does not wait.
func TestSpreadCheckpoint(t *testing.T) {
	t.Parallel()
	scripts := both()
	scripts["recovery_1st_stage"] = strings.Replace(firstStage, " -c fast", "", 1)
	if scripts["recovery_1st_stage"] == firstStage {
		t.Fatal("the script has no -c fast")
	}
	s, primary, node := prepare(t, scripts, extension)
	if primary.Query1(t, "SELECT to_regclass('pg_stat_progress_basebackup') IS NULL") == "t" {
		t.Skip("PostgreSQL shows since version 13 that a backup waits")
	}
	primary.Exec(t, "ALTER SYSTEM SET checkpoint_timeout = '1d'")
	primary.Exec(t, "SELECT pg_reload_conf()")
	primary.Exec(t, "CREATE TABLE written AS SELECT n FROM generate_series(1, 200000) n")
	primary.Exec(t, "UPDATE written SET n = 0")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	steps, err := run(t, ctx, s)
	if err != nil {
		t.Fatalf("%v\n%s", err, primary.Log())
	}
	if c := steps["checkpoint"]; !c.OK || c.Command != "CHECKPOINT" || *c.Node != 4 {
		t.Errorf("%+v", c)
	}
	node.WaitReplay(t, primary)
}
