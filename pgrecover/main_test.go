package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/postmaster"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/common/tooltest"
)

// call runs the program in this process.
func call(stdin string, args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = run(args, tool.World{In: strings.NewReader(stdin), Out: &o, Err: &e, Environ: nil})
	return status, o.String(), e.String()
}

// conf writes a pgpool.conf for servers.
func conf(t *testing.T, servers ...*pgtest.Server) string {
	text := "recovery_user = 'postgres'\nrecovery_password = '" + pgtest.Password + "'\n"
	for i, s := range servers {
		text += fmt.Sprintf("backend_hostname%d = '%s'\nbackend_port%d = %d\nbackend_data_directory%d = '%s'\n", i, s.Host(), i, s.Port(), i, s.Data(""))
	}
	path := filepath.Join(t.TempDir(), "pgpool.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// want is a command line and what comes of it.
type want struct {
	stdin     string
	args      string
	status    int
	out, errs string
}

func (w want) try(t *testing.T, file string) {
	t.Helper()
	status, out, errs := call(w.stdin, append(strings.Fields(w.args), "--config", file)...)
	if status != w.status || !strings.Contains(out, w.out) || !strings.Contains(errs, w.errs) {
		t.Errorf("pgrecover %s: status %d, out %s, err %s", w.args, status, out, errs)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	primary, standbys := pgtest.Cluster(t, 1)
	standbys[0].WaitReplay(t, primary)
	file := conf(t, primary, standbys[0])
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		postmaster.New(primary.Data("")).Stop(ctx, postmaster.Immediate, time.Minute)
	})
	standbys[0].WaitReplay(t, primary) // it lets clients in before it streams
	for _, w := range []want{
		{"", "check", exit.OK, "node 1 (" + standbys[0].Addr() + "): a standby", ""},
		{"", "version", exit.OK, "pgrecover ", ""},
		{"", "follow --node 1", exit.Usage, "", "--to"},
		{"", "follow --node 1 --to 7", exit.Usage, "", "node 7 is not in the configuration"},
		{"", "follow --node 1 --to 1", exit.Usage, "", "cannot follow itself"},
		{"", "follow --node 0 --to 1", exit.Not, "", "node 1 is a standby itself"},
		{"", "follow --node 1 --to 0", exit.OK, `"step":"done","node":1,"ok":true`, ""},
		{"", "start --node 0", exit.Usage, "", "--local"},
		{"", "start --node 0 --local", exit.OK, `"detail":"it runs"`, ""},
	} {
		w.try(t, file)
	}
	primary.Stop(t, pgtest.Fast)
	standbys[0].Promote(t)
	want{"nonsense", "follow --node 0 --to 1 --local", exit.Failed, "", "not the line of a recruit step"}.try(t, file)
	want{"", "start --node 0 --local", exit.OK, `"step":"done","node":0,"ok":true`, ""}.try(t, file)
	want{"", "follow --node 0 --to 1 --local", exit.Not, "", "node 0 runs as a primary"}.try(t, file)
	want{"", "check", exit.OK, "a primary", ""}.try(t, file)
}

func TestCheckTellsAllProblems(t *testing.T) {
	t.Parallel()
	primary, standbys := pgtest.Cluster(t, 1, pgtest.HBA("host all all all trust\nhost replication eve all scram-sha-256"))
	standbys[0].WaitReplay(t, primary)
	standbys[0].Exec(t, "ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1 user=eve password=x'")
	standbys[0].ReloadUpstream(t)
	standbys[0].Until(t, "SELECT count(*) FROM pg_stat_wal_receiver", "0")
	other := pgtest.Primary(t, pgtest.InitDB(), pgtest.Conf("wal_level = minimal\nmax_wal_senders = 0\nmax_replication_slots = 0"))
	status, _, errs := call("", "check", "--config", conf(t, primary, standbys[0], other))
	for _, words := range []string{
		"node 0 (" + primary.Addr() + "): a standby cannot log in for replication as eve",
		"streams from nobody",
		"node 2 (" + other.Addr() + "): it belongs to another cluster",
		"wal_level is minimal",
		"max_wal_senders is 0",
		"needs standby1: set more",
	} {
		if !strings.Contains(errs, words) {
			t.Errorf("%q is not in %s", words, errs)
		}
	}
	if status != exit.Failed {
		t.Errorf("status %d", status)
	}
	primary.Stop(t, pgtest.Fast)
	want{"", "check", exit.Temporary, "", "set recovery_user"}.try(t, conf(t, primary))
}

func TestManPage(t *testing.T) { tooltest.Man(t, "pgrecover", "PGRECOVER", new(cli)) }

func TestWrongConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgpool.conf")
	if err := os.WriteFile(path, []byte("port = 9999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"check", "follow --node 0 --to 1", "start --node 0 --local"} {
		want{"", args, exit.Usage, "", "backend_hostname0"}.try(t, path)
	}
}
