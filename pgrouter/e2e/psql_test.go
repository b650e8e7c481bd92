package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// psql runs a script and returns what psql prints, which has no alignment and no headings.
func (r *router) psql(t testing.TB, script string, args ...string) string {
	t.Helper()
	cmd := r.command(t, "psql", append([]string{"-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"}, args...)...)
	cmd.Stdin = strings.NewReader(script)
	return output(t, cmd)
}

// TestPsql runs what people and scripts do with psql.
func TestPsql(t *testing.T) {
	r := start(t, shared(t), reads)
	several := "1\n2\n3\n"
	if pgtest.Major(t) < 15 { // whose psql shows the last result
		several = "3\n"
	}
	for _, test := range []struct{ name, script, want string }{
		{"statements", "SELECT 1;\nSELECT 'a;b', E'it\\'s';\n", "1\na;b|it's\n"},
		{"several in one message", `SELECT 1 \; SELECT 2 \; SELECT 3;`, several},
		{"transaction", "BEGIN;\nSELECT 1;\nCOMMIT;\n", "1\n"},
		{"own writes", "CREATE TEMP TABLE mine (i int);\nINSERT INTO mine VALUES (7);\nSELECT i FROM mine;\n", "7\n"},
		{"copy in and out", "CREATE TEMP TABLE c (i int, t text);\nCOPY c FROM STDIN;\n1\tone\n2\t\\N\n\\.\nCOPY c TO STDOUT;\n", "1\tone\n2\t\\N\n"},
		{"copy of a query", "COPY (SELECT i FROM generate_series(1, 3) i) TO STDOUT;\n", "1\n2\n3\n"},
		{"error goes on", "\\set ON_ERROR_STOP 0\nSELECT 1/0;\nSELECT 2;\n", "2\n"},
		{"rows in pieces", "\\set FETCH_COUNT 10\nSELECT count(*) FROM items;\nSELECT id FROM items WHERE id <= 3 ORDER BY 1;\n", "1000\n1\n2\n3\n"},
		{"description of a statement", "SELECT 1 AS a, 'x'::text AS b \\gdesc\n", "a|integer\nb|text\n"},
		{"generated statements", "SELECT 'SELECT ' || i FROM generate_series(1, 3) i \\gexec\n", "1\n2\n3\n"},
		{"settings", "SET work_mem = '5MB';\nSHOW work_mem;\nRESET work_mem;\n", "5MB\n"},
		{"large object", "SELECT lo_from_bytea(0, 'abc') AS o \\gset\nSELECT convert_from(lo_get(:o), 'UTF8');\nSELECT lo_unlink(:o);\n", "abc\n1\n"},
		{"empty", ";\n \nSELECT 1;\n", "1\n"},
		{"a change of database", "CREATE DATABASE e2e_psql;\n\\connect e2e_psql\nSELECT current_database();\n\\connect postgres\n" + dropDatabase(t, "e2e_psql"), "e2e_psql\n"},
		{"do block", "DO $$ BEGIN PERFORM 1; END $$;\nSELECT 1;\n", "1\n"},
		{"nested dollar quotes", "SELECT $a$ $b$ ; $b$ $a$;\n", " $b$ ; $b$ \n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := r.psql(t, test.script); got != test.want {
				t.Errorf("%s\ngot  %q\nwant %q", test.script, got, test.want)
			}
		})
	}
}

// TestPsqlDescribes runs the catalog queries of psql's backslash commands.
func TestPsqlDescribes(t *testing.T) {
	r := start(t, shared(t), reads)
	for _, command := range []string{`\d`, `\d items`, `\dt *.*`, `\df node`, `\du`, `\l`, `\dn+`, `\dp`, `\ds`, `\conninfo`, `\encoding`} {
		if out := r.psql(t, command+"\n"); out == "" {
			t.Errorf("%s printed nothing", command)
		}
	}
}

// TestPgbench lets many clients in, in each protocol mode.
func TestPgbench(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	c := shared(t)
	r := start(t, c, spread)
	output(t, r.command(t, "pgbench", "-i", "-q", "-s", "1"))
	c.sync(t)
	seconds := "2"
	for _, test := range [][]string{
		{"-M", "simple", "-S"},
		{"-M", "extended", "-S"},
		{"-M", "prepared", "-S"},
		{"-M", "simple", "-N"},
		{"-M", "prepared", "-N"},
		{"-M", "extended"},
		{"-M", "simple", "-S", "-C"},
		{"-M", "prepared", "-S", "-C"},
	} {
		t.Run(strings.Join(test, ""), func(t *testing.T) {
			args := append([]string{"-n", "-c", "64", "-j", "2", "-T", seconds}, test...)
			out := output(t, r.command(t, "pgbench", args...))
			var done, failed int
			for line := range strings.Lines(out) {
				fmt.Sscanf(line, "number of transactions actually processed: %d", &done)
				fmt.Sscanf(line, "number of failed transactions: %d", &failed)
			}
			if done < 64 || failed > 0 || strings.Contains(out, "aborted") {
				t.Errorf("%d transactions done, %d failed\n%s", done, failed, out)
			}
			t.Logf("%d transactions", done)
		})
	}
}
