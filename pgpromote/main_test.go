package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/common/tooltest"
)

func TestManPage(t *testing.T) { tooltest.Man(t, "pgpromote", "PGPROMOTE", new(cli)) }

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

func TestCommandLine(t *testing.T) {
	primary, standbys := pgtest.Cluster(t, 1)
	file := conf(t, primary, standbys[0])
	for _, c := range []struct {
		stdin     string
		args      []string
		status    int
		out, errs string
	}{
		{"", []string{"check"}, exit.OK, "node 1 (", ""},
		{"", []string{"--node", "1"}, exit.Failed, `"step":"choose"`, "--force"},
		{"", []string{"--node", "7"}, exit.Failed, "", "node 7 is not in the configuration"},
		{`{"nod":1}`, []string{"--request"}, exit.Usage, "", `unknown field "nod"`},
		{"", []string{"recruit"}, exit.Usage, "", "--node"},
		{"x", []string{"release", "--node", "1"}, exit.Usage, "", "recruit step"},
		{"", []string{"--frce"}, exit.Usage, "", "--frce"},
		{`{"node":1,"force":true,"epoch":5}`, []string{"--request"}, exit.OK, `"step":"done","node":1,"ok":true`, ""},
		{"", []string{"--node", "1", "--epoch", "4"}, exit.Not, "", "epoch 5 is recorded"},
	} {
		status, out, errs := call(c.stdin, append(c.args, "--config", file)...)
		if status != c.status || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
			t.Errorf("pgpromote %v: status %d, out %s, err %s", c.args, status, out, errs)
		}
	}
}

func TestWrongConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgpool.conf")
	os.WriteFile(path, []byte("port = 9999\n"), 0o600)
	if status, _, errs := call("", "check", "--config", path); status != exit.Usage || !strings.Contains(errs, "backend_hostname0") {
		t.Errorf("status %d: %s", status, errs)
	}
}
