package rewind

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/plan"
)

// patience is for everything that must come.
const patience = 60 * time.Second

// failedOver makes an old primary with a table t of 10000 rows that the new primary does not have, which has one row
// instead. It does not end the old one.
func failedOver(t *testing.T, opts ...pgtest.Option) (old, primary *pgtest.Server) {
	t.Helper()
	old, standbys := pgtest.Cluster(t, 1, opts...)
	primary = standbys[0]
	old.Exec(t, "CREATE TABLE t (n int)")
	primary.WaitReplay(t, old)
	primary.Stop(t, pgtest.Fast)
	old.Exec(t, "INSERT INTO t SELECT generate_series(1, 10000)")
	primary.Write(t, "postgresql.auto.conf", "") // or it would receive the rows now
	primary.Start(t)
	primary.Promote(t)
	primary.Exec(t, "INSERT INTO t VALUES (42)")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := postmaster.New(old.Data("")).Stop(ctx, postmaster.Immediate, patience); err != nil {
			t.Error(err)
		}
	})
	return old, primary
}

// prepare plans to make the one server a standby of the other.
func prepare(t *testing.T, old, primary *pgtest.Server, want plan.Method) Rewind {
	t.Helper()
	var q plan.Question
	for i, s := range []*pgtest.Server{old, primary} {
		q.Cluster = append(q.Cluster, backend.Server{ID: i, Host: s.Host(), Port: s.Port(), DataDirectory: s.Data(""),
			User: "postgres", Password: pgtest.Password, Tool: "pgrecover"})
	}
	q.Node, q.To = q.Cluster[0], q.Cluster[1]
	var err error
	if q.Host, err = host.Local(q.Node.DataDirectory); err != nil {
		t.Fatal(err)
	}
	p, err := plan.Find(t.Context(), q, plan.Wish{Method: plan.Auto})
	if err != nil {
		t.Fatal(err)
	}
	if p.Method != want {
		t.Fatalf("the plan is %s: %s", p.Method, p.Why)
	}
	return Rewind{Question: q, Plan: p}
}

// run runs it and returns its lines by their step's name.
func run(t *testing.T, r Rewind) (map[string]step.Step, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out bytes.Buffer
	r.Journal = &step.Journal{W: &out, Now: time.Now}
	err := r.Run(ctx)
	t.Logf("%s", out.String())
	steps := map[string]step.Step{}
	for d := json.NewDecoder(&out); d.More(); {
		var s step.Step
		if err := d.Decode(&s); err != nil {
			t.Fatal(err)
		}
		steps[s.Step] = s
	}
	return steps, err
}

// join lets the rewound server follow, and looks whether it has what the primary has.
func join(t *testing.T, r Rewind, old, primary *pgtest.Server) {
	t.Helper()
	f := follow.Follow{Node: r.Question.Node, To: r.Question.To, Cluster: r.Question.Cluster, Local: true, Timeout: patience,
		Journal: &step.Journal{W: &bytes.Buffer{}, Now: time.Now}}
	if err := f.Run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, old.Log())
	}
	primary.Exec(t, "INSERT INTO t VALUES (43)")
	old.WaitReplay(t, primary)
	if got := old.Query1(t, "SELECT string_agg(n::text, ' ' ORDER BY n) FROM t"); got != "42 43" {
		t.Errorf("it has %q", got)
	}
	if got := old.Query1(t, "SHOW port"); got == primary.Query1(t, "SHOW port") {
		t.Error("it has the primary's configuration")
	}
}

// nothingLeft looks for what should have gone from beside the data directory.
func nothingLeft(t *testing.T, old *pgtest.Server) {
	t.Helper()
	left, err := filepath.Glob(old.Data("") + ".rewinding*")
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestCrashedPrimary(t *testing.T) {
	t.Parallel()
	old, primary := failedOver(t)
	old.Kill(t, syscall.SIGKILL)
	old.Write(t, "postmaster.pid", "1\n"+old.Data("")+"\n") // its number is another process's now
	r := prepare(t, old, primary, plan.Rewind)
	steps, err := run(t, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"divergent", "crash recovery", "rewind", "progress"} {
		if !steps[name].OK {
			t.Errorf("there is no step %s", name)
		}
	}
	discarded, ok := steps["divergent"].Detail.(map[string]any)
	if !ok {
		t.FailNow()
	}
	if discarded["bytes"] != float64(r.Plan.Discards.Bytes()) || r.Plan.Discards.Bytes() < 500_000 {
		t.Errorf("discarded are %v, planned was %+v", discarded, r.Plan.Discards)
	}
	savedInserts(t, discarded["saved"].(string))
	nothingLeft(t, old)
	join(t, r, old, primary)
}

// savedInserts finds the 10000 rows in the saved WAL, as its README tells to look.
func savedInserts(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "README"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "pg_waldump -p "+dir) {
			words := strings.Fields(line)
			out, err := exec.Command(words[0], words[1:]...).Output()
			if n := bytes.Count(out, []byte("desc: INSERT")); err != nil || n < 10000 {
				t.Errorf("%s shows %d rows, %v", line, n, err)
			}
			return
		}
	}
	t.Errorf("the README has no command:\n%s", text)
}

func TestRunningPrimary(t *testing.T) {
	t.Parallel()
	old, primary := failedOver(t)
	r := prepare(t, old, primary, plan.Rewind)
	if !r.Plan.Stop {
		t.Errorf("%+v", r.Plan)
	}
	old.Exec(t, "INSERT INTO t VALUES (1)") // after the plan
	steps, err := run(t, r)
	if err != nil || !steps["stop"].OK {
		t.Fatal(err)
	}
	join(t, r, old, primary)
}

func TestRunningStandby(t *testing.T) {
	t.Parallel()
	first, standbys := pgtest.Cluster(t, 2)
	first.Exec(t, "CREATE TABLE t (n int)")
	primary, ahead := standbys[0], standbys[1]
	primary.WaitReplay(t, first)
	primary.Stop(t, pgtest.Fast)
	first.Exec(t, "INSERT INTO t SELECT generate_series(1, 10000)")
	ahead.WaitReplay(t, first)
	first.Kill(t, syscall.SIGKILL)
	primary.Start(t)
	primary.Promote(t)
	primary.Exec(t, "INSERT INTO t VALUES (42)")
	t.Cleanup(func() {
		if err := postmaster.New(ahead.Data("")).Stop(context.Background(), postmaster.Immediate, patience); err != nil {
			t.Error(err)
		}
	})
	r := prepare(t, ahead, primary, plan.Rewind)
	steps, err := run(t, r)
	if err != nil || !steps["stop"].OK || !steps["divergent"].OK || steps["crash recovery"].OK {
		t.Fatalf("%v %+v", err, steps)
	}
	join(t, r, ahead, primary)
}

func TestFailureBeforeItWrites(t *testing.T) {
	t.Parallel()
	old, primary := failedOver(t)
	old.Stop(t, pgtest.Fast)
	r := prepare(t, old, primary, plan.Rewind)
	closed := old.Data("base/1")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	_, err := run(t, r)
	os.Chmod(closed, 0o700)
	var failed Failed
	if !errors.As(err, &failed) || failed.Broken != "" || !strings.Contains(err.Error(), "its data is as it was") || !strings.Contains(err.Error(), "Permission denied") {
		t.Fatalf("%v", err)
	}
	nothingLeft(t, old)
	r = prepare(t, old, primary, plan.Rewind)
	if _, err := run(t, r); err != nil {
		t.Fatal(err)
	}
	join(t, r, old, primary)
}

func TestFailureWhenItWrites(t *testing.T) {
	t.Parallel()
	old, primary := failedOver(t)
	old.Stop(t, pgtest.Fast)
	primary.Exec(t, "CREATE TABLE more AS SELECT generate_series(1, 100000)")
	r := prepare(t, old, primary, plan.Rewind)
	closed := filepath.Dir(old.Data(primary.Query1(t, "SELECT pg_relation_filepath('more')")))
	if err := os.Chmod(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := run(t, r)
	os.Chmod(closed, 0o700)
	var failed Failed
	if !errors.As(err, &failed) || failed.Broken != r.Question.Node.DataDirectory || !strings.Contains(err.Error(), "--method backup") || strings.Contains(err.Error(), "as it was") {
		t.Fatalf("%v", err)
	}
	if text, err := os.ReadFile(old.Data("pgtest.conf")); err != nil || !strings.Contains(string(text), old.SocketDir()) {
		t.Errorf("the node's own configuration is gone: %v, %s", err, text)
	}
	if r = prepare(t, old, primary, plan.Backup); !strings.Contains(r.Plan.Why, "broken off") {
		t.Errorf("%s", r.Plan.Why)
	}

	// A new directory of that name is another one.
	data := strings.TrimSuffix(old.Data(""), "/")
	if err := os.Rename(data, data+".old"); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", data+".old", data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	prepare(t, old, primary, plan.Rewind)
}
