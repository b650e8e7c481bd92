package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// TestDumpAndRestore takes a dump through the router and brings it back through it, as text and in parallel.
func TestDumpAndRestore(t *testing.T) {
	c := shared(t)
	r := start(t, c, reads)
	r.psql(t, `CREATE DATABASE dump_from;
\connect dump_from
CREATE TABLE a (id serial PRIMARY KEY, t text, b bytea);
INSERT INTO a (t, b) SELECT 'line ' || i || E'\t\n\\', decode(md5(i::text), 'hex') FROM generate_series(1, 20000) i;
CREATE VIEW v AS SELECT count(*) FROM a;
CREATE INDEX ON a (t);
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE b AS SELECT * FROM a;
CREATE TABLE c AS SELECT * FROM a;
SELECT lo_from_bytea(0, 'large');
`)
	c.sync(t)
	const sum = "SELECT count(*) || md5(string_agg(a::text, ',' ORDER BY id)) FROM a;\n"
	wanted := r.psql(t, sum, "-d", "dump_from")
	dir := t.TempDir()
	archive, parallel := filepath.Join(dir, "dump"), filepath.Join(dir, "dumps")
	text := output(t, r.command(t, "pg_dump", "dump_from"))
	output(t, r.command(t, "pg_dump", "-Fc", "-f", archive, "dump_from"))
	output(t, r.command(t, "pg_dump", "-Fd", "-j2", "-f", parallel, "dump_from"))
	for db, restore := range map[string]func(string){
		"dump_text":     func(db string) { r.psql(t, text, "-d", db) },
		"dump_archive":  func(db string) { output(t, r.command(t, "pg_restore", "-j2", "-e", "-d", db, archive)) },
		"dump_parallel": func(db string) { output(t, r.command(t, "pg_restore", "-j2", "-e", "-d", db, parallel)) },
	} {
		r.psql(t, "CREATE DATABASE "+db+";\n")
		restore(db)
		c.sync(t)
		want(t, db, r.psql(t, sum, "-d", db), wanted)
		want(t, db+": the view", r.psql(t, "SELECT * FROM v;\n", "-d", db), "20000\n")
		r.psql(t, dropDatabase(t, db))
	}
	r.psql(t, dropDatabase(t, "dump_from"))
}

// dropDatabase is a line of a script that drops a database in which pgrouter has idle sessions. Before PostgreSQL 13 that cannot
// be forced, and it stays.
func dropDatabase(t testing.TB, name string) string {
	t.Helper()
	if pgtest.Major(t) < 13 {
		return "\n"
	}
	return "DROP DATABASE " + name + " WITH (FORCE);\n"
}

// replication is a command that logs in as a user who may replicate.
func (r *router) replication(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := r.command(t, name, args...)
	cmd.Env = append(cmd.Env, "PGUSER=walter", "PGAPPNAME=e2e_"+name)
	return cmd
}

// TestBaseBackup takes a base backup with its WAL, which is two replication connections at the same time.
func TestBaseBackup(t *testing.T) {
	c := newCluster(t)
	r := start(t, c, reads)
	dir := filepath.Join(t.TempDir(), "backup")
	output(t, r.replication(t, "pg_basebackup", "-D", dir, "-c", "fast", "-X", "stream", "--no-sync"))
	output(t, r.command(t, "pg_verifybackup", dir))
	want(t, "the server", r.psql(t, "SELECT forced();\n"), "t\n")
}

// TestReceiveWAL streams WAL as pg_receivewal does, from the primary.
func TestReceiveWAL(t *testing.T) {
	c := shared(t)
	r := start(t, c, reads)
	dir := t.TempDir()
	cmd := r.replication(t, "pg_receivewal", "-D", dir, "--no-loop", "-s", "1", "--if-not-exists")
	var text strings.Builder
	cmd.Stderr = &text
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	c.primary.Until(t, "SELECT state FROM pg_stat_replication WHERE application_name = 'e2e_pg_receivewal'", "streaming")
	c.primary.Exec(t, "CREATE TABLE receive AS SELECT generate_series(1, 1000); SELECT pg_switch_wal(); DROP TABLE receive")
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(dir, "0000*"))
		whole := 0
		for _, f := range files {
			if fi, err := os.Stat(f); err == nil && !strings.HasSuffix(f, ".partial") && fi.Size() == 16*megabyte {
				whole++
			}
		}
		if whole > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no WAL file is there: %v\n%s", files, text.String())
		}
	}
	cmd.Process.Signal(os.Interrupt)
	if err := <-done; err != nil {
		t.Errorf("pg_receivewal: %v\n%s", err, text.String())
	}
	c.primary.Until(t, "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'e2e_pg_receivewal'", "0")
}

// TestReceiveLogical decodes changes as pg_recvlogical does.
func TestReceiveLogical(t *testing.T) {
	c := shared(t)
	r := start(t, c, reads)
	output(t, r.replication(t, "pg_recvlogical", "-S", "e2e_logical", "--create-slot", "-P", "test_decoding", "-d", "postgres"))
	defer func() {
		output(t, r.replication(t, "pg_recvlogical", "-S", "e2e_logical", "--drop-slot", "-d", "postgres"))
	}()
	c.primary.Exec(t, "CREATE TABLE logical (t text); INSERT INTO logical VALUES ('seen by the decoder')")
	defer c.primary.Exec(t, "DROP TABLE logical")
	end := c.primary.Query1(t, "SELECT pg_current_wal_lsn()")
	out := output(t, r.replication(t, "pg_recvlogical", "-S", "e2e_logical", "--start", "-f", "-", "--no-loop", "-d", "postgres",
		"-E", end, "-o", "skip-empty-xacts=1"))
	if !strings.Contains(out, "seen by the decoder") {
		t.Errorf("got %s", out)
	}
}

// TestReplicationCommands runs commands of the replication protocol, physical and logical, on one connection.
func TestReplicationCommands(t *testing.T) {
	c := shared(t)
	r := start(t, c, reads)
	for _, kind := range []string{"true", "database"} {
		p, err := pgconn.Connect(within(t), r.dsn("postgres", "walter")+" replication="+kind)
		if err != nil {
			t.Fatal(err)
		}
		results, err := p.Exec(within(t), "IDENTIFY_SYSTEM").ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want(t, "the system", string(results[0].Rows[0][0]), c.primary.Query1(t, "SELECT system_identifier FROM pg_control_system()"))
		want(t, "SHOW", simple(t, p, "SHOW port"), fmt.Sprint(c.primary.Port()))
		p.Close(within(t))
	}
}

// TestReplicationPassword: a replication client gives its password to the router, which gives it to the server.
func TestReplicationPassword(t *testing.T) {
	needRouter(t)
	r := start(t, shared(t), "enable_pool_hba = on\n", "pool_hba.conf", "host all all 127.0.0.1/32 scram-sha-256\n",
		"pool_passwd", "postgres:TEXTpostgres\n")
	dsn := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres replication=true sslmode=disable password=", r.port)
	p, err := pgconn.Connect(within(t), dsn+"postgres")
	if err != nil {
		t.Fatal(err)
	}
	simple(t, p, "IDENTIFY_SYSTEM")
	p.Close(within(t))
	want(t, "a wrong password", refusal(t, dsn+"wrong").Code, "28P01")
}
