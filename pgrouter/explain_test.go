package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/common/exit"
	"github.com/pgcrew/pgcrew/common/pgtest"
	"github.com/pgcrew/pgcrew/common/tool"
)

// TestExplainAsksTheDatabase explains statements whose answer only the database knows, with the password of pool_passwd.
func TestExplainAsksTheDatabase(t *testing.T) {
	server := pgtest.Primary(t)
	server.Exec(t, "CREATE DATABASE shop")
	server.ExecIn(t, "shop", `CREATE TABLE t (id int); CREATE SEQUENCE s; CREATE VIEW v AS SELECT nextval('s') AS n;
		CREATE FUNCTION f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'`)
	dir := t.TempDir()
	conf := filepath.Join(dir, "pgpool.conf")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The first server does not answer; the second is asked.
	write("pgpool.conf", fmt.Sprintf("backend_hostname0 = '127.0.0.1'\nbackend_port0 = 1\nbackend_hostname1 = '127.0.0.1'\nbackend_port1 = %d\n", server.Port()))
	write("pool_passwd", "postgres:TEXT"+pgtest.Password+"\n")

	var out, words bytes.Buffer
	in := strings.NewReader("SELECT id FROM t\nSELECT f()\nSELECT n FROM v\nSELECT nextval('s')\nSELECT g()\n")
	if status := run([]string{"explain", "--database", "shop", "--config", conf}, tool.World{In: in, Out: &out, Err: &words}); status != exit.OK {
		t.Fatalf("status %d: %s", status, &words)
	}
	if words.Len() > 0 {
		t.Errorf("said %s", &words)
	}
	var got []string
	for dec := json.NewDecoder(&out); dec.More(); {
		var e explanation
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Target+" "+strings.Join(e.Reasons, ","))
	}
	want := []string{"balance ", "balance ", "primary volatile function: v", "primary volatile function: nextval", "primary unknown function: g"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
