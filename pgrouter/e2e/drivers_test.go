package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// jdbc is where Debian's libpostgresql-jdbc-java puts the driver.
const jdbc = "/usr/share/java/postgresql.jar"

// TestDrivers runs a small program for each driver. It checks what it gets by itself, and says where a read outside of
// a transaction and one after a write inside of one ran.
func TestDrivers(t *testing.T) {
	c := shared(t)
	r := start(t, c, reads)
	for _, d := range []struct {
		name  string
		probe []string // ends well when the driver is there
		args  []string
	}{
		{"psycopg2", []string{python(), "-c", "import psycopg2"}, []string{python(), "psycopg.py"}},
		{"asyncpg", []string{python(), "-c", "import asyncpg"}, []string{python(), "asyncpg_client.py"}},
		{"jdbc", []string{"test", "-e", jdbc}, []string{"java", "-cp", jdbc, "Jdbc.java"}},
		{"perl", []string{"perl", "-MDBD::Pg", "-e1"}, []string{"perl", "dbd.pl"}},
		{"php", []string{"php", "-r", "exit(extension_loaded('pgsql') && extension_loaded('pdo_pgsql') ? 0 : 1);"}, []string{"php", "pgsql.php"}},
		{"node", nil, []string{"node", "pg.js"}},
	} {
		t.Run(d.name, func(t *testing.T) {
			if d.probe != nil {
				if out, err := exec.Command(d.probe[0], d.probe[1:]...).CombinedOutput(); err != nil {
					missing(t, strings.Join(d.probe, " ")+": "+err.Error()+" "+string(out))
				}
			}
			if !direct {
				r.settle(t, c) // after the tables of the program before
			}
			cmd := r.command(t, d.args[0], d.args[1:]...)
			cmd.Dir = filepath.Join("testdata", "clients")
			if d.name == "node" {
				cmd.Env = append(cmd.Env, "NODE_PATH="+nodeModules(t))
			}
			out := output(t, cmd)
			if !strings.HasSuffix(out, "ok\n") {
				t.Errorf("the program has not come to its end:\n%s", out)
			}
			if direct {
				return
			}
			for line, server := range map[string]int{"read on ": c.standby.Port(), "wrote on ": c.primary.Port()} {
				if !strings.Contains(out, line+strconv.Itoa(server)+"\n") {
					t.Errorf("no line %q in\n%s", line+strconv.Itoa(server), out)
				}
			}
		})
	}
}

// python is the system's interpreter, which sees Debian's packages, or else the first one in PATH.
func python() string {
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		return "/usr/bin/python3"
	}
	return "python3"
}

// nodeModules is a folder with node's pg in it: Debian's, the one that $NODE_PATH names, or a fresh one from npm.
func nodeModules(t *testing.T) string {
	for _, dir := range append(filepath.SplitList(os.Getenv("NODE_PATH")), "/usr/share/nodejs", "/usr/lib/node_modules") {
		if _, err := os.Stat(filepath.Join(dir, "pg", "package.json")); err == nil {
			return dir
		}
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("there is neither node's pg nor npm")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(within(t), "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir, "pg@8")
	if out, err := cmd.CombinedOutput(); err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Skipf("npm does not install pg: %v\n%s", err, out)
		}
		t.Fatal(err)
	}
	return filepath.Join(dir, "node_modules")
}
