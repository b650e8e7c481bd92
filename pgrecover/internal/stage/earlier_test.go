package stage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/step"
)

// leave gives up a run when its script has begun, which goes on.
func leave(t *testing.T, s Stage) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for {
			if _, err := os.Stat(beside(s, "begun")); err == nil || t.Context().Err() != nil {
				cancel(errors.New("enough"))
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	if _, err := run(t, ctx, s); err == nil || !strings.Contains(err.Error(), "may still run on node 4") || !strings.Contains(err.Error(), "enough") {
		t.Fatalf("%v", err)
	}
}

// beside is a file beside the data directory of the primary.
func beside(s Stage, name string) string {
	return filepath.Join(filepath.Dir(s.To.DataDirectory), name)
}

// settle waits for scripts that leave has left.
func settle(t *testing.T, s Stage, busy func(context.Context) (string, error)) error {
	t.Helper()
	conn, err := s.To.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	s.Journal = &step.Journal{W: t.Output(), Now: time.Now}
	return s.Settle(t.Context(), conn, busy)
}

// What a script does by ssh on a host that was switched off never ends.
func TestHungScript(t *testing.T) {
	scripts := both()
	scripts["recovery_1st_stage"] = "#!/bin/sh\n: >../begun\nsleep 1000\n"
	s, primary, _ := prepare(t, scripts, extension)
	leave(t, s)
	looks := 0
	err := settle(t, s, func(context.Context) (string, error) {
		looks++
		if primary.Query1(t, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0" && looks%2 == 0 {
			return "an orphan", nil
		}
		return "", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := primary.Query1(t, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"); got != "0" {
		t.Errorf("%s locks are left", got)
	}
	if err := settle(t, s, nil); err != nil {
		t.Error(err)
	}
}

// What works on the node is not ended.
func TestScriptThatWorks(t *testing.T) {
	scripts := both()
	scripts["recovery_1st_stage"] = "#!/bin/sh\n: >../begun\nwhile [ ! -e ../go ]; do sleep 0.05; done\n: >../ended\n"
	s, _, _ := prepare(t, scripts, extension)
	leave(t, s)
	looks := time.Duration(0)
	err := settle(t, s, func(context.Context) (string, error) {
		if looks++; looks*poll == 2*hung {
			return "work", os.WriteFile(beside(s, "go"), nil, 0o644)
		}
		return "work", nil
	})
	if _, missing := os.Stat(beside(s, "ended")); err != nil || missing != nil {
		t.Errorf("%v, %v", err, missing)
	}
}

// A script goes on when we are gone, and must not meet itself.
func TestScriptThatStillRuns(t *testing.T) {
	scripts := both()
	scripts["recovery_1st_stage"] = "#!/bin/sh\n: >../begun\nwhile [ ! -e ../go ]; do sleep 0.05; done\n"
	s, primary, _ := prepare(t, scripts, extension)
	leave(t, s)
	refused(t, s, "scripts of an earlier recovery of node 5 still run on node 4")
	if err := os.WriteFile(beside(s, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	primary.Until(t, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0")
	primary.Write(t, "recovery_1st_stage", strings.NewReplacer("BIN", pgtest.Bin(t), "SECRET", pgtest.Password).Replace(firstStage))
	if err := os.Chmod(primary.Data("recovery_1st_stage"), 0o744); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, t.Context(), s); err != nil {
		t.Error(err)
	}
}
