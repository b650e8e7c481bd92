package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/exit"
)

type commands struct {
	Flags
	Port    portCmd    `cmd:"" help:"Print the port."`
	Fail    failCmd    `cmd:"" help:"Fail."`
	Version VersionCmd `cmd:"" help:"Print the version."`
}

type portCmd struct{}

func (portCmd) Run(_ context.Context, t *Tool) error {
	c, err := t.Config()
	if err == nil {
		fmt.Fprintln(t.Out, c.Int("port"))
	}
	return err
}

type failCmd struct {
	Code int `arg:""`
}

func (f failCmd) Run() error {
	if f.Code == 0 {
		return errors.New("no reason")
	}
	return Coded{errors.New("a reason"), f.Code}
}

func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pgpool.conf")
	other := filepath.Join(t.TempDir(), "bad.conf")
	for name, text := range map[string]string{file: "port = 1234\n", other: "port = many\nprot = 1\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args, environ []string
		status        int
		out, err      string
	}{
		{[]string{"version"}, nil, exit.OK, "pgtool ", ""},
		{[]string{"--help"}, nil, exit.OK, "PGTOOL_CONFIG", ""},
		{[]string{"port", "--config", file}, nil, exit.OK, "1234", ""},
		{[]string{"port", "--config", file}, []string{"PGTOOL_PORT=77"}, exit.OK, "77", ""},
		{[]string{"port", "--config", other}, nil, exit.Usage, "", "bad.conf:2"},
		{[]string{"port", "--config", other}, nil, exit.Usage, "", "bad.conf:1"},
		{[]string{"prot"}, nil, exit.Usage, "", "pgtool: error: "},
		{[]string{"port", "--log-level", "loud"}, nil, exit.Usage, "", "--log-level"},
		{[]string{"fail", "0"}, nil, exit.Failed, "", "no reason"},
		{[]string{"fail", "99"}, nil, exit.Timeout, "", "a reason"},
	} {
		var out, errs bytes.Buffer
		var cmds commands
		got := Run("pgtool", "PGTOOL", "A tool.", &cmds, &cmds.Flags, c.args, World{Out: &out, Err: &errs, Environ: c.environ})
		if got != c.status || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.err) {
			t.Errorf("%v: status %d, out %q, err %q", c.args, got, out.String(), errs.String())
		}
	}
}

func TestFindGoesOnOnlyWhereNobodyIs(t *testing.T) {
	dir := t.TempDir()
	c := config.Default()
	for name, value := range map[string]string{"run_directory": dir + "/none", "unix_socket_directories": dir} {
		if err := c.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	var asked []string
	err := Find(c, "x.sock", func(path string) error {
		asked = append(asked, path)
		_, err := os.Stat(path)
		return err
	})
	if !errors.Is(err, os.ErrNotExist) || len(asked) != 2 || asked[1] != filepath.Join(dir, "x.sock") {
		t.Errorf("asked %v: %v", asked, err)
	}
	refused := errors.New("no")
	if err := Find(c, "x.sock", func(string) error { return refused }); err != refused {
		t.Errorf("a refusal became %v", err)
	}
}
