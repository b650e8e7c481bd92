package rewind

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

const said = `pg_rewind: connected to server
pg_rewind: servers diverged at WAL location 0/3000148 on timeline 1
pg_rewind: rewinding from last common checkpoint at 0/2000060 on timeline 1
pg_rewind: reading source file list
pg_rewind: need to copy 53 MB (total source directory size is 71 MB)
`

func TestOutput(t *testing.T) {
	var lines bytes.Buffer
	o := output{journal: &step.Journal{W: &lines, Now: time.Now}, node: 2}
	for _, p := range []string{said[:20], said[20:], "    0/54543 kB (0%) copied\r", "4543/54543 k", "B (8%) copied\n"} {
		if n, err := o.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if !o.began || o.err != nil || o.found != (summary{"0/3000148", "0/2000060", 54543 << 10}) {
		t.Errorf("%+v", o)
	}
	if got := lines.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, `"detail":{"bytes":4652032,"total":55852032,"percent":8}`) {
		t.Error(got)
	}
}

func TestOutputOfAFailure(t *testing.T) {
	o := output{journal: &step.Journal{W: &bytes.Buffer{}, Now: time.Now}}
	o.Write([]byte("pg_rewind: error: could not find previous WAL record at 0/2000060\n"))
	if o.began {
		t.Error("it has not begun")
	}
	if err := o.failed(&host.Error{Status: 1}); err.Error() != "pg_rewind ended with status 1: error: could not find previous WAL record at 0/2000060" {
		t.Error(err)
	}
	if err := o.failed(context.Canceled); err != context.Canceled {
		t.Error(err)
	}
}

func FuzzOutput(f *testing.F) {
	f.Add([]byte(said))
	f.Add([]byte("99999999999999999999/1 kB (0%) copied\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		o := output{journal: &step.Journal{W: &bytes.Buffer{}, Now: time.Now}}
		o.Write(p)
		if o.err != nil || len(o.said) > saidLines {
			t.Errorf("%+v", o)
		}
	})
}

// PostgreSQL 10 would refuse the login for a setting that it does not know.
func TestSource(t *testing.T) {
	to := backend.Server{Host: "db1", Port: 5432, User: "postgres", Tool: "pgrecover"}
	if got := source(to, 100023); strings.Contains(got, "options") {
		t.Error(got)
	}
	if got := source(to, 110000); !strings.HasSuffix(got, " options='-c jit=off'") {
		t.Error(got)
	}
}
