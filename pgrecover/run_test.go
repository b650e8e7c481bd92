package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/freeport"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/ssh/sshtest"
	"github.com/pgcrew/pgcrew/common/step"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgrecover/internal/host"
)

// patience is for everything that must come.
const patience = 2 * time.Minute

// A rig is a primary, node 0, and a data directory for node 1.
type rig struct {
	primary *pgtest.Server
	data    string
	port    int
	file    string // configuration
}

// newRig makes a primary with something in it.
func newRig(t *testing.T, more string, opts ...pgtest.Option) *rig {
	t.Helper()
	r := &rig{primary: pgtest.Primary(t, opts...), port: freeport.Port(t)}
	r.primary.Exec(t, "CREATE TABLE t AS SELECT generate_series(1, 10000) n")
	r.data = filepath.Join(pgtest.Folder(t), "data")
	r.node(t, r.data, r.port, more)
	return r
}

// node says which node 1 is.
func (r *rig) node(t *testing.T, data string, port int, more string) {
	t.Helper()
	r.data, r.port, r.file = data, port, filepath.Join(t.TempDir(), "pgpool.conf")
	text := fmt.Sprintf("recovery_user = 'postgres'\nrecovery_password = '%s'\nrecovery_timeout = 30\n"+
		"backend_hostname0 = '127.0.0.1'\nbackend_port0 = %d\nbackend_data_directory0 = '%s'\n"+
		"backend_hostname1 = '127.0.0.1'\nbackend_port1 = %d\nbackend_data_directory1 = '%s'\nbackend_application_name1 = 'node1'\n%s\n",
		pgtest.Password, r.primary.Port(), r.primary.Data(""), port, data, more)
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.stop(t) })
}

// stop ends node 1, whoever started it.
func (r *rig) stop(t *testing.T) {
	if _, err := os.Stat(filepath.Join(r.data, "PG_VERSION")); err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := postmaster.New(r.data).Stop(ctx, postmaster.Immediate, patience); err != nil {
		t.Error(err)
	}
}

// run runs the program in this process and returns its steps.
func (r *rig) run(t *testing.T, args ...string) (status int, steps []step.Step, errs string) {
	t.Helper()
	return r.to(t, &bytes.Buffer{}, args...)
}

// output is what can be read again.
type output interface {
	io.Writer
	fmt.Stringer
}

// to is run with an output of one's own.
func (r *rig) to(t *testing.T, o output, args ...string) (status int, steps []step.Step, errs string) {
	t.Helper()
	var e bytes.Buffer
	status = run(append(args, "--node", "1", "--config", r.file), tool.World{In: strings.NewReader(""), Out: o, Err: &e})
	t.Logf("pgrecover %v: status %d\n%s%s", args, status, o.String(), e.String())
	for line := range strings.Lines(o.String()) {
		var s step.Step
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
	return status, steps, e.String()
}

// recovers wants that it works, that the last step is done, and that the node follows.
func (r *rig) recovers(t *testing.T, args ...string) map[string]step.Step {
	t.Helper()
	status, steps, _ := r.run(t, append([]string{"run"}, args...)...)
	if status != exit.OK || len(steps) == 0 || steps[len(steps)-1].Step != "done" {
		t.Fatalf("status %d", status)
	}
	r.follows(t)
	byName := map[string]step.Step{}
	for _, s := range steps {
		byName[s.Step] = s
	}
	return byName
}

// follows wants that the node streams and replays, and that nothing is left beside its data.
func (r *rig) follows(t *testing.T) {
	t.Helper()
	r.primary.Exec(t, "CREATE TABLE IF NOT EXISTS streams (n int); INSERT INTO streams VALUES (1)")
	lsn := r.primary.Query1(t, "SELECT pg_current_wal_flush_lsn()")
	r.primary.Until(t, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn >= '"+lsn+"'", "1")
	for _, suffix := range []string{".pgrecover", ".pgrecover-new", ".pgrecover-old"} {
		if _, err := os.Lstat(r.data + suffix); err == nil {
			t.Errorf("%s is left", r.data+suffix)
		}
	}
}

// refused wants status 3 and words, and that nothing is changed beside the data.
func (r *rig) refused(t *testing.T, words string, args ...string) {
	t.Helper()
	status, _, errs := r.run(t, args...)
	if status != exit.Not || !strings.Contains(errs, words) {
		t.Errorf("status %d, %q is not in %s", status, words, errs)
	}
	for _, suffix := range []string{".pgrecover", ".pgrecover-new", ".pgrecover-old"} {
		if _, err := os.Lstat(r.data + suffix); err == nil {
			t.Errorf("%s is there", r.data+suffix)
		}
	}
}

func own(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if out, err := exec.Command("chown", "-Rh", "postgres:", path).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
}

func TestFreshNode(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	if status, steps, _ := r.run(t, "plan", "--local"); status != exit.OK || steps[0].Step != "plan" {
		t.Error("there is no plan")
	}
	if _, err := os.Stat(r.data); err == nil {
		t.Error("the plan has made something")
	}
	steps := r.recovers(t, "--local")
	for _, name := range []string{"plan", "layout", "login", "space", "slot", "copy", "progress", "settings", "swap", "start", "stream", "clean"} {
		if !steps[name].OK {
			t.Errorf("there is no step %s", name)
		}
	}
	if got := r.primary.Query1(t, "SELECT application_name || ' ' || slot_name FROM pg_stat_replication JOIN pg_replication_slots ON active_pid = pid"); got != fmt.Sprintf("node1 127_0_0_1_%d", r.port) {
		t.Errorf("it streams as %s", got)
	}
	if steps := r.recovers(t, "--local"); steps["copy"].OK || steps["start"].OK {
		t.Error("the second run has done something")
	}
	if steps := r.recovers(t, "--local", "--method", "backup"); !steps["stop"].OK || !steps["copy"].OK {
		t.Error("it was not copied again")
	}
}

// overSSH starts an SSH server, and says how the program reaches this host by it.
func overSSH(t *testing.T) (*sshtest.Server, string) {
	t.Helper()
	s := sshtest.Start(t)
	return s, fmt.Sprintf("recovery_ssh_user = 'postgres'\nrecovery_ssh_key = '%s'\nrecovery_ssh_known_hosts = '%s'\nrecovery_ssh_port1 = %d", s.Path("id"), s.Path("known"), s.Port)
}

// oldNode makes a standby with settings, a tablespace and a folder for its WAL of its own, of which a new copy must be made,
// because nothing of the primary's WAL is left for it.
func oldNode(t *testing.T, r *rig, more string) *pgtest.Server {
	t.Helper()
	spaces := pgtest.Folder(t)
	for _, name := range []string{"primary", "standby"} {
		if err := os.Mkdir(filepath.Join(spaces, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	own(t, spaces)
	s := r.primary.Standby(t, pgtest.Name("old"), pgtest.NoSlot())
	s.Stop(t, pgtest.Fast)
	data := filepath.Join(spaces, "data")
	if out, err := exec.Command("cp", "-a", s.Data(""), data).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	opts, err := os.ReadFile(s.Data("postmaster.opts"))
	if err != nil {
		t.Fatal(err)
	}
	r.primary.Exec(t, fmt.Sprintf("CREATE TABLESPACE far LOCATION '%s/primary'", spaces))
	r.primary.Exec(t, "CREATE TABLE f TABLESPACE far AS SELECT generate_series(1, 10000) n")
	id := r.primary.Query1(t, "SELECT oid FROM pg_tablespace WHERE spcname = 'far'")
	version := filepath.Base(glob(t, spaces+"/primary/PG_*"))
	for _, err := range []error{
		os.Mkdir(filepath.Join(spaces, "standby", version), 0o700),
		os.WriteFile(filepath.Join(spaces, "standby", version, "old"), nil, 0o600),
		os.WriteFile(filepath.Join(data, "postmaster.opts"), bytes.ReplaceAll(opts, []byte(s.Data("")), []byte(data)), 0o600),
		os.Symlink(filepath.Join(spaces, "standby"), filepath.Join(data, "pg_tblspc", id)),
		os.Rename(filepath.Join(data, "pg_wal"), filepath.Join(spaces, "wal")),
		os.Symlink(filepath.Join(spaces, "wal"), filepath.Join(data, "pg_wal")),
		os.WriteFile(filepath.Join(data, "recovery_1st_stage"), []byte("#!/bin/sh\n"), 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	own(t, spaces)
	r.node(t, data, s.Port(), more)
	return s
}

func glob(t *testing.T, pattern string) string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: %v, %v", pattern, all, err)
	}
	return all[0]
}

func TestOldNodeOverSSH(t *testing.T) {
	t.Parallel()
	_, more := overSSH(t)
	r := newRig(t, "")
	old := oldNode(t, r, more)
	r.recovers(t, "--method", "backup")
	if n := old.Query1(t, "SELECT count(*) FROM f"); n != "10000" {
		t.Errorf("the tablespace has %s rows", n)
	}
	for _, name := range []string{"pg_wal", "recovery_1st_stage", "pgtest.conf"} {
		if _, err := os.Stat(filepath.Join(r.data, name)); err != nil {
			t.Error(err)
		}
	}
	if at, err := os.Readlink(filepath.Join(r.data, "pg_wal")); err != nil || filepath.Base(at) != "wal" {
		t.Errorf("pg_wal leads to %q, %v", at, err)
	}
	spaces := filepath.Dir(old.Query1(t, "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'far'"))
	if _, err := os.Stat(glob(t, spaces+"/standby/*") + "/old"); err == nil {
		t.Error("the old tablespace is in its place still")
	}
	glob(t, spaces+"/wal*")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s, more := overSSH(t)
	r := newRig(t, more, pgtest.HBA("host all all all trust\nhost replication nobody all trust"))
	r.primary.Exec(t, "CREATE SCHEMA pgcrew; CREATE TABLE pgcrew.epoch AS SELECT 7::int8 epoch")
	r.refused(t, "epoch 6 is over", "run", "--epoch", "6")
	r.refused(t, "it has no data", "run", "--method", "rewind")

	s.Key(t, "other")
	config, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	change := func(from, to string) {
		t.Helper()
		if !bytes.Contains(config, []byte(from)) {
			t.Fatalf("%s is not in %s", from, config)
		}
		if err := os.WriteFile(r.file, bytes.ReplaceAll(config, []byte(from), []byte(to)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change(s.Path("id"), s.Path("other"))
	r.refused(t, "refuses user postgres", "run")
	change("recovery_user = 'postgres'", "recovery_user = 'eve'")
	r.primary.Exec(t, "CREATE ROLE eve SUPERUSER LOGIN")
	r.refused(t, `add "host replication eve 127.0.0.1/32`, "run")
	change("recovery_timeout = 30", "recovery_timeout = 31")

	_, release := locked(t, r)
	status, _, errs := r.run(t, "run")
	if status == exit.OK || !strings.Contains(errs, "another pgrecover works on it") {
		t.Errorf("status %d, %s", status, errs)
	}
	release()

	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m,mode=777", "tmpfs", filepath.Dir(r.data)).CombinedOutput(); err != nil {
		t.Skipf("mount: %s", out)
	}
	defer exec.Command("umount", filepath.Dir(r.data)).Run()
	own(t, filepath.Dir(r.data))
	r.refused(t, "MB free", "run")
	r.refused(t, "MB free", "plan")
}

// locked takes the lock of node 1.
func locked(t *testing.T, r *rig) (host.Host, func()) {
	t.Helper()
	h, err := host.Local(r.data)
	if err != nil {
		t.Fatal(err)
	}
	_, release, err := host.Lock(t.Context(), h, r.data)
	if err != nil {
		t.Fatal(err)
	}
	return h, release
}
