package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/logs"
	"github.com/pgcrew/pgcrew/contrib/pgpool/internal/part"
)

// A program is what a part runs.
type program struct {
	name, command string
	path          string
}

// wanted are the programs that the configuration asks for, pgrouter first. A crew is one without pcpd as well.
func wanted(c *config.Config) (found []program, err error) {
	all := []program{{name: "pgrouter", command: "run"}, {name: "pgwatch", command: "run"}, {name: "pcpd", command: "run"}}
	if c.Bool("use_watchdog") && c.String("delegate_ip") != "" {
		all = append(all, program{name: "pgvip", command: "hold"})
	}
	for _, p := range all {
		p.path, err = find(p.name)
		switch {
		case err == nil:
			found = append(found, p)
		case p.name != "pcpd":
			return nil, tool.UsageError{Err: err}
		}
	}
	return found, nil
}

// find looks for a program beside this one, then where make install puts both, then in PATH.
func find(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	for _, dir := range []string{".", "../../bin"} {
		if path := filepath.Join(filepath.Dir(self), dir, name); syscall.Access(path, 1) == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not found beside %s nor in PATH (install it there)", name, self)
	}
	return filepath.Abs(path)
}

// addParts makes a part of each program.
func (s *supervisor) addParts(programs []program, environ []string) {
	for _, p := range programs {
		made := part.New(p.name, func() (part.Process, error) {
			return part.Start(part.Program{
				Path: p.path,
				Args: []string{p.command, "--config", s.config.Path()},
				Env:  environ,
				Log:  func(pid int, r *os.File) { s.logs.Take(logs.Source{Tool: p.name, PID: pid}, r) },
			})
		}, s.log)
		made.Fixed = p.name == "pgvip"
		if p.name == "pgrouter" {
			s.crew.Router = made
		} else {
			s.crew.Others = append(s.crew.Others, made)
		}
	}
}

// environment is what the parts get: a variable PGPOOL_PARAMETER counts for all of them, and what pgpool's options say
// goes by variables.
func environment(c *config.Config, flags *cli, environ []string) (env []string) {
	all := func(rest string) {
		for _, prefix := range []string{"PGROUTER_", "PGWATCH_", "PGVIP_", "PCPD_"} {
			env = append(env, prefix+rest)
		}
	}
	for _, each := range environ {
		name, _, _ := strings.Cut(each, "=")
		switch rest, ours := strings.CutPrefix(each, "PGPOOL_"); {
		case ours:
			if _, _, known := config.Lookup(strings.TrimPrefix(name, "PGPOOL_")); known {
				all(rest)
			}
		case name == "NOTIFY_SOCKET", strings.HasPrefix(name, "LISTEN_"), strings.HasPrefix(name, "WATCHDOG_"): // systemd's, for this process
		default:
			env = append(env, each)
		}
	}
	if flags.LogLevel != "info" {
		all("LOG_LEVEL=" + flags.LogLevel)
	}
	if flags.LogFormat != "text" {
		all("LOG_FORMAT=" + flags.LogFormat)
	}
	for name, file := range map[string]string{"PGROUTER_POOL_HBA_CONF": flags.HBAFile, "PCPD_PCP_CONF": flags.PCPFile, "PGPOOLKEYFILE": flags.KeyFile,
		"PGWATCH_STATE_DIRECTORY": stateDirectory(c)} {
		if file != "" {
			env = append(env, name+"="+file)
		}
	}
	return append(env, config.UnderPgpool)
}

// stateDirectory is where pgwatch's state is when not where it should be: a user who may not write there, as in a test of
// Pgpool-II, has a work_dir for that.
func stateDirectory(c *config.Config) string {
	dir := c.String("state_directory")
	if c.IsSet("state_directory") || !c.IsSet("work_dir") || os.MkdirAll(dir, 0o755) == nil && syscall.Access(dir, 2) == nil {
		return ""
	}
	return filepath.Join(c.Beside(c.String("work_dir")), "pgcrew")
}
