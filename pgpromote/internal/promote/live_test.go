package promote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/backend"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/step"
)

// promoteWith runs one request against real servers, numbered in their order, and returns its lines.
func promoteWith(t *testing.T, q Request, servers ...*pgtest.Server) ([]step.Step, error) {
	t.Helper()
	var out bytes.Buffer
	r := Run{Request: q, Journal: &step.Journal{W: &out, Now: time.Now}}
	for i, s := range servers {
		r.Servers = append(r.Servers, serverOf(i, s))
	}
	err := r.Promote(t.Context())
	return read(t, &out), err
}

func serverOf(id int, s *pgtest.Server) Server {
	return Server{backend.Server{ID: id, Host: s.Host(), Port: s.Port(), DataDirectory: s.Data(""), User: "postgres", Password: pgtest.Password, Tool: "pgpromote"}}
}

func read(t *testing.T, r io.Reader) (steps []step.Step) {
	t.Helper()
	for d := json.NewDecoder(r); ; {
		var s step.Step
		if err := d.Decode(&s); err == io.EOF {
			return steps
		} else if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
}

// last returns the last step of a name.
func last(t *testing.T, steps []step.Step, name string) step.Step {
	t.Helper()
	for i := len(steps) - 1; i >= 0; i-- {
		if steps[i].Step == name {
			return steps[i]
		}
	}
	t.Fatalf("there is no step %s in %+v", name, steps)
	return step.Step{}
}

func TestMostAdvancedStandbyIsPromoted(t *testing.T) {
	primary, standbys := pgtest.Cluster(t, 2)
	primary.Exec(t, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS i")
	standbys[0].WaitReplay(t, primary)
	standbys[0].Exec(t, "SELECT pg_wal_replay_pause()")
	standbys[1].Stop(t, pgtest.Fast)
	primary.Exec(t, "INSERT INTO t SELECT generate_series(1, 1000)") // only the first one has it, unreplayed
	primary.Until(t, "SELECT bool_and(flush_lsn = pg_current_wal_flush_lsn()) FROM pg_stat_replication", "t")
	primary.Kill(t, syscall.SIGKILL)
	standbys[1].Start(t)

	steps, err := promoteWith(t, Request{Epoch: 7}, primary, standbys[0], standbys[1])
	if err != nil {
		t.Fatalf("%v in %+v", err, steps)
	}
	done := last(t, steps, "done")
	if *done.Node != 1 || done.Epoch != 7 || done.Timeline != 2 {
		t.Errorf("%+v", done)
	}
	if got := standbys[0].Query1(t, "SELECT count(*) FROM t"); got != "2000" {
		t.Errorf("%s rows survived", got)
	}
	if got := standbys[0].Query1(t, "SELECT epoch || ' ' || node || ' ' || timeline FROM pgcrew.epoch"); got != "7 1 2" {
		t.Errorf("the record says %s", got)
	}

	again, err := promoteWith(t, Request{Epoch: 7, Node: done.Node}, primary, standbys[0])
	if err != nil || last(t, again, "done").Timeline != 2 {
		t.Errorf("the second time: %v, %+v", err, again)
	}
	if _, err := promoteWith(t, Request{Epoch: 6, Node: done.Node}, primary, standbys[0]); !errors.Is(err, ErrStale) {
		t.Errorf("an old epoch: %v", err)
	}
}

func TestLivePrimaryIsRespected(t *testing.T) {
	primary, standbys := pgtest.Cluster(t, 1)
	one := 1
	if _, err := promoteWith(t, Request{}, primary, standbys[0]); err == nil || !strings.Contains(err.Error(), "node 0 is a primary") {
		t.Errorf("nobody named: %v", err)
	}
	if _, err := promoteWith(t, Request{Node: &one}, primary, standbys[0]); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("it receives: %v", err)
	}
	steps, err := promoteWith(t, Request{Node: &one, Force: true, DryRun: true}, primary, standbys[0])
	if err != nil || standbys[0].Query1(t, "SELECT pg_is_in_recovery()") != "t" {
		t.Errorf("a dry run: %v, %+v", err, steps)
	}
	if _, err := promoteWith(t, Request{Node: &one, Force: true}, primary, standbys[0]); err != nil {
		t.Error(err)
	}
}

func TestOtherClusterIsRefused(t *testing.T) {
	primary, standbys := pgtest.Cluster(t, 1)
	primary.Stop(t, pgtest.Fast)
	other := pgtest.Primary(t, pgtest.InitDB())
	stranger := other.Standby(t)
	other.Stop(t, pgtest.Fast)
	_, err := promoteWith(t, Request{}, standbys[0], stranger)
	if err == nil || !strings.Contains(err.Error(), "different clusters") {
		t.Errorf("%v", err)
	}
}

// restoring sets a restore_command that finds nothing, and is another one once there is a file hostdead in the data directory,
// where it runs. Before PostgreSQL 14 a server takes a restore_command when it starts only.
func restoring(dead string) pgtest.Option {
	return pgtest.Conf("restore_command = '[ -e hostdead ] || exit 1; " + dead + "'")
}

// A restore_command that hangs at a dead host, and a long wal_retrieve_retry_interval, must not hold up a promotion. Without a
// shell around it the command's end makes the standby fall, and it is started again.
func TestHangingRestoreCommand(t *testing.T) {
	for name, command := range map[string]string{"script": "sleep 3600 || false", "program": "exec sleep 3600"} {
		t.Run(name, func(t *testing.T) {
			primary, standbys := pgtest.Cluster(t, 1, restoring(command))
			s := standbys[0]
			s.WaitReplay(t, primary)
			s.Exec(t, "ALTER SYSTEM SET wal_retrieve_retry_interval = '60s'")
			s.Reload(t)
			s.Write(t, "hostdead", "")
			primary.Kill(t, syscall.SIGKILL)
			srv := postmaster.New(s.Data(""))
			t.Cleanup(func() { srv.Stop(context.Background(), postmaster.Immediate, time.Minute) }) // if it was started again
			pid := srv.Look().PID
			// It begins to wait for the command when it has missed its receiver.
			for len(children(startup(pid))) == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			zero := 0
			steps, err := promoteWith(t, Request{Node: &zero, TimeoutMS: 50_000, Local: true}, s)
			if err != nil {
				t.Errorf("%v in %+v", err, steps)
			}
			s.Until(t, "SELECT pg_is_in_recovery()", "f")
		})
	}
}

// fallen is a standby whose restore_command has ended it, as scp from a dead host does, and the start of it by pgpromote is
// undone when the test ends.
func fallen(t *testing.T) *pgtest.Server {
	primary, standbys := pgtest.Cluster(t, 1, restoring("exit 255"))
	s := standbys[0]
	primary.Exec(t, "CREATE TABLE t AS SELECT 42 AS n")
	s.WaitReplay(t, primary)
	s.Write(t, "hostdead", "")
	srv := postmaster.New(s.Data(""))
	t.Cleanup(func() { srv.Stop(context.Background(), postmaster.Immediate, time.Minute) })
	primary.Kill(t, syscall.SIGKILL)
	for s.Running() || srv.Look().Postmaster != postmaster.Dead {
		time.Sleep(10 * time.Millisecond)
	}
	return s
}

// A standby that fell over its restore_command is started for a promotion, without it.
func TestFallenStandbyIsPromoted(t *testing.T) {
	s := fallen(t)
	zero := 0
	if _, err := promoteWith(t, Request{Node: &zero}, s); err == nil {
		t.Error("from another host it is promoted though it does not run")
	}
	steps, err := promoteWith(t, Request{Node: &zero, Local: true, TimeoutMS: 60_000}, s)
	if err != nil {
		t.Fatalf("%v in %+v", err, steps)
	}
	if got := s.Query1(t, "SELECT n FROM t"); got != "42" || s.Query1(t, "SELECT pg_is_in_recovery()") != "f" {
		t.Errorf("it has %s", got)
	}
}

// Recruited it runs, receives from nobody, and what it received from is told, to be given back.
func TestFallenStandbyIsRecruited(t *testing.T) {
	s := fallen(t)
	zero := 0
	recruit := func() []step.Step {
		var out bytes.Buffer
		r := Run{Request: Request{Node: &zero, Local: true, TimeoutMS: 60_000}, Servers: []Server{serverOf(0, s)}, Journal: &step.Journal{W: &out, Now: time.Now}}
		if err := r.Recruit(t.Context()); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		return read(t, &out)
	}
	steps := recruit()
	var before Before
	text, _ := json.Marshal(steps[0].Detail)
	if err := json.Unmarshal(text, &before); err != nil || steps[0].Step != "recruit" || !strings.HasSuffix(before.RestoreCommand, "exit 255") || !strings.Contains(before.PrimaryConnInfo, "host=") {
		t.Errorf("%+v", steps[0])
	}
	if last(t, steps, "position").Detail == nil {
		t.Errorf("%+v", steps)
	}
	if got := s.Query1(t, "SELECT current_setting('restore_command') || current_setting('primary_conninfo')"); got != "" {
		t.Errorf("it runs with %s", got)
	}
	recruit() // it runs now
}

// A standby that somebody shut down stays down.
func TestStoppedStandbyIsNotStarted(t *testing.T) {
	primary, standbys := pgtest.Cluster(t, 1)
	s := standbys[0]
	primary.Stop(t, pgtest.Fast)
	s.Stop(t, pgtest.Fast)
	zero := 0
	if _, err := promoteWith(t, Request{Node: &zero, Local: true}, s); err == nil || !strings.Contains(err.Error(), "does not run") {
		t.Errorf("%v", err)
	}
	if st := postmaster.New(s.Data("")).Look(); st.Postmaster != postmaster.Dead {
		t.Errorf("%+v", st)
	}
}

func TestRecruitAndRelease(t *testing.T) {
	primary, standbys := pgtest.Cluster(t, 1)
	zero := 0
	var out bytes.Buffer
	r := Run{Request: Request{Node: &zero}, Servers: []Server{serverOf(0, standbys[0])}, Journal: &step.Journal{W: &out, Now: time.Now}}
	if pgtest.Major(t) < 13 { // which receives for as long as there is a primary
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Recruit(ctx); err == nil || !strings.Contains(err.Error(), "before PostgreSQL 13") {
			t.Errorf("it is recruited while its primary lives: %v", err)
		}
		primary.Stop(t, pgtest.Fast)
		out.Reset()
	}
	if err := r.Recruit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !primary.Running() {
		primary.Start(t)
	}
	steps := read(t, &out)
	var before Before
	text, _ := json.Marshal(last(t, steps, "recruit").Detail)
	if err := json.Unmarshal(text, &before); err != nil || before.PrimaryConnInfo == "" {
		t.Fatalf("%+v, %v", before, err)
	}
	primary.Exec(t, "CREATE TABLE t ()")
	if pgtest.Major(t) >= 13 {
		primary.Until(t, "SELECT count(*) FROM pg_stat_replication", "0")
	}
	if err := r.Release(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	standbys[0].WaitReplay(t, primary)
}

func TestNobodyThere(t *testing.T) {
	primary, standbys := pgtest.Cluster(t, 1)
	primary.Stop(t, pgtest.Fast)
	standbys[0].Stop(t, pgtest.Fast)
	_, err := promoteWith(t, Request{}, primary, standbys[0])
	if err == nil || !strings.Contains(err.Error(), "no standby answered") {
		t.Errorf("%v", err)
	}
	seven := 7
	if _, err := promoteWith(t, Request{Node: &seven}, primary); err == nil || !strings.Contains(err.Error(), "node 7 is not in the configuration") {
		t.Errorf("%v", err)
	}
}

// A server that lets nobody in is promoted by pg_ctl on its own host.
func TestOwnControl(t *testing.T) {
	primary, standbys := pgtest.Cluster(t, 1)
	primary.Stop(t, pgtest.Fast)
	zero := 0
	var out bytes.Buffer
	s := serverOf(0, standbys[0])
	s.User, s.Password = "nobody", "wrong"
	r := Run{Request: Request{Node: &zero, Local: true, Epoch: 2}, Servers: []Server{s}, Journal: &step.Journal{W: &out, Now: time.Now}}
	if err := r.Promote(context.Background()); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	standbys[0].Until(t, "SELECT pg_is_in_recovery()", "f")
}
