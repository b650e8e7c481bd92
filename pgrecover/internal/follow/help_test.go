package follow

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
)

// patience is for everything that must come.
const patience = 60 * time.Second

// prepare makes a run for real servers, which are numbered in their order. The servers end with the test, whoever
// started them.
func prepare(t *testing.T, node, to int, servers ...*pgtest.Server) *Follow {
	f := &Follow{Timeout: patience}
	for i, s := range servers {
		f.Cluster = append(f.Cluster, backend.Server{ID: i, Host: s.Host(), Port: s.Port(), DataDirectory: s.Data(""),
			User: "postgres", Password: pgtest.Password, Tool: "pgrecover"})
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := postmaster.New(s.Data("")).Stop(ctx, postmaster.Immediate, patience); err != nil {
				t.Error(err)
			}
		})
	}
	f.Node, f.To = f.Cluster[node], f.Cluster[to]
	if pgtest.Major(t) < 13 { // where no standby follows another primary without one
		f.Restart = func(context.Context) error {
			servers[node].Restart(t)
			return nil
		}
	}
	return f
}

// run runs it and returns its lines by their step's name.
func run(t *testing.T, f *Follow) (map[string]step.Step, error) {
	t.Helper()
	var out bytes.Buffer
	f.Journal = &step.Journal{W: &out, Now: time.Now}
	err := f.Run(t.Context())
	t.Logf("%s", out.String())
	steps := map[string]step.Step{}
	d := json.NewDecoder(&out)
	for d.More() {
		var s step.Step
		if err := d.Decode(&s); err != nil {
			t.Fatal(err)
		}
		steps[s.Step] = s
	}
	return steps, err
}

// streams writes on the primary and waits until the standby has it.
func streams(t *testing.T, standby, primary *pgtest.Server) {
	t.Helper()
	primary.Exec(t, "CREATE TABLE IF NOT EXISTS streams (n int); INSERT INTO streams VALUES (1)")
	standby.WaitReplay(t, primary)
	standby.Until(t, "SELECT pg_is_in_recovery()", "t")
}

// cluster makes a primary with standbys that stream from it.
func cluster(t *testing.T, n int) (*pgtest.Server, []*pgtest.Server) {
	t.Helper()
	primary, standbys := pgtest.Cluster(t, n)
	primary.Exec(t, "CREATE TABLE t (n int)")
	for _, s := range standbys {
		s.WaitReplay(t, primary)
	}
	return primary, standbys
}
