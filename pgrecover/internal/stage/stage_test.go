package stage

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/common/tooltest"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
)

// patience is for everything that must come.
const patience = 60 * time.Second

// firstStage is the lab's recovery_1st_stage for two servers of one host. It notes how it was called.
//
//go:embed testdata/recovery_1st_stage
var firstStage string

//go:embed testdata/pgpool_remote_start
var startScript string

// prepare makes a primary with the extension in template1, scripts, and a node that does not run.
func prepare(t *testing.T, scripts map[string]string, sql string) (s Stage, primary, node *pgtest.Server) {
	t.Helper()
	primary, node = pgtest.Primary(t), pgtest.Primary(t)
	node.Stop(t, pgtest.Fast)
	if primary.Query1(t, "SELECT count(*) FROM pg_available_extensions WHERE name = 'pgpool_recovery'") == "0" {
		if os.Getenv("PGCREW_REQUIRE_POSTGRES") == "1" {
			t.Fatal("the extension pgpool_recovery is not installed: contrib/deps test")
		}
		t.Skip("the extension pgpool_recovery is not installed: contrib/deps test")
	}
	for name, text := range scripts {
		text = strings.NewReplacer("BIN", pgtest.Bin(t), "SECRET", pgtest.Password).Replace(text)
		primary.Write(t, name, text)
		if err := os.Chmod(primary.Data(name), 0o744); err != nil {
			t.Fatal(err)
		}
	}
	if sql != "" {
		primary.ExecIn(t, "template1", sql)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := postmaster.New(node.Data("")).Stop(ctx, postmaster.Immediate, patience); err != nil {
			t.Error(err)
		}
	})
	s = Stage{Script: "recovery_1st_stage", Timeout: patience}
	for i, srv := range []*pgtest.Server{primary, node} {
		b := backend.Server{ID: 4 + i, Host: srv.Host(), Port: srv.Port(), DataDirectory: strings.TrimSuffix(srv.Data(""), "/"), User: "postgres", Password: pgtest.Password, Tool: "pgrecover"}
		s.To, s.Node = s.Node, b
	}
	return s, primary, node
}

const extension = "CREATE EXTENSION pgpool_recovery"

// both are scripts that do what they should.
func both() map[string]string {
	return map[string]string{"recovery_1st_stage": firstStage, remoteStart: startScript}
}

// run runs it and returns its lines by their step's name.
func run(t *testing.T, ctx context.Context, s Stage) (map[string]step.Step, error) {
	t.Helper()
	var out bytes.Buffer
	s.Journal = &step.Journal{W: &out, Now: time.Now}
	err := s.Run(ctx)
	t.Logf("%s", out.String())
	steps := map[string]step.Step{}
	for d := json.NewDecoder(&out); d.More(); {
		var st step.Step
		if err := d.Decode(&st); err != nil {
			t.Fatal(err)
		}
		steps[st.Step] = st
	}
	return steps, err
}

func TestScripts(t *testing.T) {
	t.Parallel()
	s, primary, node := prepare(t, both(), extension)
	steps, err := run(t, t.Context(), s)
	if err != nil {
		t.Fatalf("%v\n%s", err, primary.Log())
	}
	if !steps["first stage"].OK || !steps["remote start"].OK || !steps["stream"].OK || *steps["stream"].Node != 5 {
		t.Errorf("%+v", steps)
	}
	data := strings.TrimSuffix(primary.Data(""), "/")
	host := "127.0.0.1\n" // of the primary
	if old(t, primary) {
		host = ""
	}
	want := fmt.Sprintf("%s\n%s\n127.0.0.1\n%s\n%d\n5\n%d\n%s127.0.0.1\n%s\n", data, data, s.Node.DataDirectory, s.To.Port, s.Node.Port, host, s.Node.DataDirectory)
	if got, err := os.ReadFile(filepath.Join(filepath.Dir(data), "called")); string(got) != want || err != nil {
		t.Errorf("they were called with %q, %v, want %q", got, err, want)
	}
	primary.Exec(t, "CREATE TABLE t (n int)")
	node.WaitReplay(t, primary)
	if got := primary.Query1(t, "SELECT active FROM pg_replication_slots"); got != "t" {
		t.Errorf("its slot is active: %s", got)
	}
}

// A recovery is over when the node streams, whatever the script still does, and that is done.
func TestScriptThatGoesOn(t *testing.T) {
	t.Parallel()
	scripts := both()
	scripts[remoteStart] += "while [ ! -e ../go ]; do sleep 0.05; done\n: >../ended\n"
	s, primary, node := prepare(t, scripts, extension)
	steps, err := run(t, t.Context(), s)
	if err != nil || !steps["remote start"].OK || steps["remote start"].Detail != errStreams.Error() || !steps["stream"].OK {
		t.Fatalf("%v, %+v\n%s", err, steps, primary.Log())
	}
	primary.Exec(t, "CREATE TABLE t (n int)")
	node.WaitReplay(t, primary)
	refused(t, s, "scripts of an earlier recovery of node 5 still run on node 4")
	if err := os.WriteFile(beside(s, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	primary.Until(t, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0")
	if _, err := os.Stat(beside(s, "ended")); err != nil {
		t.Error(err)
	}
}

// old tells whether the package has no extension that is newer than Pgpool-II 4.1's.
func old(t *testing.T, primary *pgtest.Server) bool {
	t.Helper()
	return primary.Query1(t, "SELECT EXISTS "+updated) == "f"
}

// A script for the new extension would miss its last argument.
func TestOldExtension(t *testing.T) {
	t.Parallel()
	s, primary, _ := prepare(t, both(), extension+" VERSION '1.3'")
	if old(t, primary) {
		t.Skip("there is no newer one")
	}
	refused(t, s, "ALTER EXTENSION pgpool_recovery UPDATE")
	primary.ExecIn(t, "template1", "ALTER EXTENSION pgpool_recovery UPDATE")
	if _, err := run(t, t.Context(), s); err != nil {
		t.Error(err)
	}
}

// Where there is no newer extension, what a script cannot know may be why it failed.
func TestFailureWithOldExtension(t *testing.T) {
	t.Parallel()
	scripts := both()
	scripts["recovery_1st_stage"] = "#!/bin/sh\nexit 1\n"
	s, primary, _ := prepare(t, scripts, extension)
	_, err := run(t, t.Context(), s)
	if err == nil || strings.Contains(err.Error(), "older than 1.4") != old(t, primary) {
		t.Errorf("%v", err)
	}
}

// refused wants a follow.Refusal with these words.
func refused(t *testing.T, s Stage, words ...string) {
	t.Helper()
	_, err := run(t, t.Context(), s)
	if !errors.As(err, new(follow.Refusal)) {
		t.Fatalf("it was not refused: %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in: %v", w, err)
		}
	}
}

func TestWhatIsMissing(t *testing.T) {
	t.Parallel()
	s, primary, _ := prepare(t, nil, "")
	refused(t, s, "template1 nor in postgres", `-U postgres template1 -c "CREATE EXTENSION pgpool_recovery"`)
	primary.Exec(t, extension) // in postgres
	refused(t, s, primary.Data("recovery_1st_stage")+" on node 4 is missing", "chmod 744")
	primary.Write(t, "recovery_1st_stage", firstStage) // nobody may run it
	refused(t, s, "recovery_1st_stage on node 4 is missing, or its server may not run it")
	if err := os.Chmod(primary.Data("recovery_1st_stage"), 0o744); err != nil {
		t.Fatal(err)
	}
	refused(t, s, "pgpool_remote_start on node 4")
	primary.Exec(t, "CREATE ROLE bob LOGIN")
	s.To.User, s.To.Password = "bob", ""
	refused(t, s, "bob is no superuser", `ALTER ROLE "bob" SUPERUSER`)
	s.Script = "/etc/pgpool2/recovery_1st_stage"
	refused(t, s, "in the primary's data directory")
}

func TestScriptThatFails(t *testing.T) {
	t.Parallel()
	scripts := both()
	scripts["recovery_1st_stage"] = "#!/bin/sh\nexit 1\n"
	s, _, _ := prepare(t, scripts, extension)
	steps, err := run(t, t.Context(), s)
	if err == nil || !strings.Contains(err.Error(), "recovery_1st_stage failed on node 4") || steps["first stage"].Err == "" || steps["remote start"].Step != "" {
		t.Errorf("%v, %+v", err, steps)
	}
}

// Pgpool-II calls it a success when the server lets clients in.
func TestServerThatDoesNotFollow(t *testing.T) {
	t.Parallel()
	scripts := both()
	scripts["recovery_1st_stage"] = strings.ReplaceAll(firstStage, "primary_slot_name = 'node$5'", "primary_slot_name = 'gone'")
	s, _, _ := prepare(t, scripts, extension)
	s.Database, s.Timeout = "template1", 3*time.Second
	_, err := run(t, t.Context(), s)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "node 5 does not follow node 4") {
		t.Errorf("%v", err)
	}
}

// The copy is older than the WAL that the primary has when the server starts, as without a slot.
func TestServerThatGetsNoWAL(t *testing.T) {
	t.Parallel()
	s, primary, _ := prepare(t, both(), extension)
	s.Journal = &step.Journal{Now: time.Now, W: &tooltest.Hook{Step: "first stage", Then: func() {
		primary.Exec(t, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
		primary.Exec(t, "ALTER SYSTEM SET wal_keep_size = 0")
		primary.Reload(t)
		for range 2 {
			primary.Exec(t, "SELECT txid_current(), pg_switch_wal()")
			primary.Exec(t, "CHECKPOINT")
		}
	}}}
	err := s.Run(t.Context())
	if gone, ok := errors.AsType[follow.Gone](err); !ok || gone.Node != 5 || gone.To != 4 || gone.Needs >= gone.Oldest {
		t.Errorf("%v", err)
	}
}

func TestHostName(t *testing.T) {
	for host, want := range map[string]string{"": "localhost", "/var/run/postgresql": "localhost", "db1": "db1", "::1": "::1"} {
		if got := hostName(host); got != want {
			t.Errorf("%q: %q", host, got)
		}
	}
}
