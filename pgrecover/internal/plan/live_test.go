package plan

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/pgrecover/internal/follow"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
	"github.com/pgcrew/pgcrew/pgrecover/internal/timeline"
)

// ask makes the question whether the first server can become a standby of the second.
func ask(t *testing.T, servers ...*pgtest.Server) Question {
	t.Helper()
	var q Question
	for i, s := range servers {
		q.Cluster = append(q.Cluster, backend.Server{ID: i, Host: s.Host(), Port: s.Port(), DataDirectory: s.Data(""),
			User: "postgres", Password: pgtest.Password, Tool: "pgrecover"})
	}
	q.Node, q.To = q.Cluster[0], q.Cluster[1]
	var err error
	if q.Host, err = host.Local(q.Node.DataDirectory); err != nil {
		t.Fatal(err)
	}
	return q
}

// find wants a plan with a method and words of its reason.
func find(t *testing.T, q Question, want Method, words ...string) Plan {
	t.Helper()
	p, err := Find(t.Context(), q, Wish{Method: Auto})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", p)
	if p.Method != want {
		t.Errorf("the plan is %s, want %s: %s", p.Method, want, p.Why)
	}
	for _, w := range words {
		if !strings.Contains(p.Why, w) {
			t.Errorf("%q is not in: %s", w, p.Why)
		}
	}
	return p
}

func TestCrashedPrimary(t *testing.T) {
	t.Parallel()
	primary, standbys := pgtest.Cluster(t, 1)
	primary.Exec(t, "CREATE TABLE t (n int)")
	standbys[0].WaitReplay(t, primary)
	standbys[0].Stop(t, pgtest.Fast)
	begin := primary.Query1(t, "SELECT pg_current_wal_lsn()")
	primary.Exec(t, "INSERT INTO t SELECT generate_series(1, 10000)")
	end, err := timeline.ParseLSN(primary.Query1(t, "SELECT pg_current_wal_lsn()"))
	if err != nil {
		t.Fatal(err)
	}
	primary.Kill(t, syscall.SIGKILL)
	standbys[0].Start(t)
	standbys[0].Promote(t)
	p := find(t, ask(t, primary, standbys[0]), Rewind, "bytes of WAL behind "+begin, "leaves timeline 1")
	// What was written between the question and the kill is little: a record of the running transactions at most.
	if d := p.Discards; d == nil || timeline.LSN(d.From) != begin || d.To < end || d.To > end+1000 || p.Stop {
		t.Errorf("from %s to %s it is to discard %+v", begin, timeline.LSN(end), d)
	}
	if p.Facts.Target.Checkpoint == 0 || p.Facts.Target.Clean {
		t.Errorf("%+v", p.Facts.Target)
	}

	// Nothing was touched, and it runs again, as what it was.
	primary.Start(t)
	if p = find(t, ask(t, primary, standbys[0]), Rewind, "it runs as a primary on timeline 1"); !p.Stop || p.Discards == nil {
		t.Errorf("%+v", p)
	}
	primary.Standby(t).WaitReplay(t, primary)
	if p, err := Find(t.Context(), ask(t, primary, standbys[0]), Wish{Method: Auto}); !errors.As(err, new(follow.Refusal)) {
		t.Errorf("a primary that is followed: %v %+v", err, p)
	}
}

func TestStandbys(t *testing.T) {
	t.Parallel()
	primary, standbys := pgtest.Cluster(t, 2)
	for _, s := range standbys {
		s.WaitReplay(t, primary) // it streams
	}
	find(t, ask(t, standbys[1], primary), Nothing, "streams from node 1 on timeline 1")
	primary.Stop(t, pgtest.Fast)
	standbys[0].Promote(t)
	find(t, ask(t, primary, standbys[0]), Follow)
	q := ask(t, standbys[1], standbys[0])
	if p := find(t, q, Follow); p.Stop {
		t.Errorf("%+v", p)
	}
	if p, err := Find(t.Context(), ask(t, standbys[0], standbys[1]), Wish{Method: Auto}); err == nil || !strings.Contains(err.Error(), "is a standby itself") {
		t.Errorf("the one to follow is a standby: %v %+v", err, p)
	}
	standbys[1].Stop(t, pgtest.Fast)
	find(t, q, Follow)
	standbys[1].Start(t)
	standbys[1].Kill(t, syscall.SIGKILL)
	find(t, q, Follow)
	q.Host, q.NoHost = nil, errors.New("no route to host")
	if p, err := Find(t.Context(), q, Wish{Method: Auto}); err == nil || !strings.Contains(err.Error(), "no route to host") {
		t.Errorf("its host is away: %v %+v", err, p)
	}
}

// A checkpoint behind the fork lets PostgreSQL remove the WAL before it.
func TestRecycledWAL(t *testing.T) {
	t.Parallel()
	primary := pgtest.Primary(t)
	standby := primary.Standby(t, pgtest.NoSlot())
	standby.WaitReplay(t, primary)
	standby.Stop(t, pgtest.Fast)
	diverge := func() {
		primary.Exec(t, "CREATE TABLE IF NOT EXISTS t (n int)")
		primary.Exec(t, "SELECT pg_switch_wal()")
		primary.Exec(t, "CHECKPOINT")
	}
	diverge()
	diverge()
	primary.Stop(t, pgtest.Fast)
	standby.Start(t)
	standby.Promote(t)
	q := ask(t, primary, standby)
	before := find(t, q, Rewind)
	if c := before.Facts.Target.Checkpoint; c == 0 || c >= before.Discards.From {
		t.Errorf("the last common checkpoint is at %x", c)
	}
	primary.Start(t)
	primary.Exec(t, "ALTER SYSTEM SET "+pgtest.KeepWAL(t, 0))
	primary.Reload(t)
	diverge()
	primary.Stop(t, pgtest.Fast)
	if p := find(t, q, Backup, "has recycled its WAL from before the fork"); p.Discards == nil {
		t.Errorf("%+v", p)
	}
}

func TestEmptyAndForeignDirectories(t *testing.T) {
	t.Parallel()
	primary := pgtest.Primary(t)
	q := ask(t, primary, primary)
	q.Node.ID, q.Node.Port = 7, 1
	q.Node.DataDirectory = primary.Data("") + ".other"
	find(t, q, Backup, "it has no data")
	if err := os.MkdirAll(q.Node.DataDirectory+"/lost+found", 0o755); err != nil {
		t.Fatal(err)
	}
	find(t, q, Backup, "it has no data")
	if err := os.WriteFile(q.Node.DataDirectory+"/thesis.tex", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if p, err := Find(t.Context(), q, Wish{Method: Auto}); !errors.As(err, new(follow.Refusal)) {
		t.Errorf("%v, %+v", err, p)
	}
}

// A script that was killed leaves half a removal, or half a copy.
func TestHalfADirectory(t *testing.T) {
	t.Parallel()
	primary, old := pgtest.Primary(t), pgtest.Primary(t)
	old.Stop(t, pgtest.Fast)
	if err := os.Remove(old.Data("global/pg_control")); err != nil {
		t.Fatal(err)
	}
	find(t, ask(t, old, primary), Backup, "it has no global/pg_control")
	if err := os.Remove(old.Data("PG_VERSION")); err != nil {
		t.Fatal(err)
	}
	find(t, ask(t, old, primary), Backup, "it has no PG_VERSION")
}

func TestOtherCluster(t *testing.T) {
	t.Parallel()
	primary, other := pgtest.Primary(t), pgtest.Primary(t, pgtest.InitDB())
	other.Stop(t, pgtest.Fast)
	q := ask(t, other, primary)
	if p, err := Find(t.Context(), q, Wish{Method: Auto}); !errors.As(err, new(follow.Refusal)) {
		t.Errorf("%v, %+v", err, p)
	}
	p, err := Find(t.Context(), q, Wish{Method: Auto, Force: true})
	if err != nil || p.Method != Backup {
		t.Errorf("%v, %+v", err, p)
	}
}
