package route

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/common/pgtest"
)

// connect opens a connection that ends with the test.
func connect(t testing.TB, s *pgtest.Server) *pgconn.PgConn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgconn.Connect(ctx, s.ConnString("postgres", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// testCatalog loads the snapshot of a server that testdata/schema.sql was run on.
func testCatalog(t testing.TB, s *pgtest.Server, set CatalogSettings) *Catalog {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := Load(ctx, connect(t, s), set)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// beginAtomic is a function body as PostgreSQL has it since version 14, and quoted the same for older ones.
var beginAtomic = strings.NewReplacer("BEGIN ATOMIC SELECT nextval('tick'); END;", "LANGUAGE sql AS $$ SELECT nextval('tick') $$;")

// since13 has functions of the corpus that PostgreSQL 12 does not have, so that it cannot be known what they do.
var since13 = regexp.MustCompile(`gen_random_uuid|pg_current_snapshot`)

// withSchema runs testdata/schema.sql.
func withSchema(t testing.TB, s *pgtest.Server) {
	t.Helper()
	schema, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	text := string(schema)
	if pgtest.Major(t) < 14 {
		text = beginAtomic.Replace(text)
	}
	s.Exec(t, text)
}

var usual = CatalogSettings{CheckTemp: true, CheckUnlogged: true}

// TestCorpusOnStandby compares the classifier with what a hot standby does: what is balanced, or done on all servers,
// runs there, and nothing that it refuses is balanced.
func TestCorpusOnStandby(t *testing.T) {
	primary, standbys := pgtest.Cluster(t, 1)
	withSchema(t, primary)
	standby := standbys[0]
	standby.WaitReplay(t, primary)
	c := NewClassifier(Settings{IgnoreLeadingSpace: true})
	env := Env{Catalog: testCatalog(t, primary, usual), StandardStrings: true, Encoding: EncodingUTF8}
	all, dangerous := env.Catalog.Names()
	t.Logf("%d names, %d of them dangerous", all, dangerous)

	conn := connect(t, standby)
	other := connect(t, primary)
	var refused, ran, balanced, lost int
	for _, k := range corpus(t) {
		if pgtest.Major(t) < 13 && since13.MatchString(k.sql) {
			continue
		}
		v := c.Classify([]byte(k.sql), &env)
		if v.Target != k.target || v.Class.String() != k.class {
			t.Errorf("testdata/corpus.txt:%d: %s %s (%s), want %s %s: %q", k.line, v.Target, v.Class, v.Reason, k.target, k.class, k.sql)
		}
		if k.lost {
			lost++
		}
		if v.Target == Balance && v.Class == Read {
			balanced++
		}
		if k.obeyed || v.Target == Local {
			continue
		}
		ran++
		err := try(t, conn, k.sql)
		if err == nil {
			continue
		}
		if v.Target == Primary {
			refused++
			continue
		}
		// The corpus has the syntax of the newest version, which older servers do not know. Statements about transactions fail
		// anywhere outside of a transaction block.
		there := try(t, other, k.sql)
		if pgtest.Major(t) < 14 && err.Code == "42601" && there != nil && there.Code == err.Code {
			continue
		}
		if v.Target == Balance && v.Class != Execute || there == nil || there.Code != err.Code {
			t.Errorf("testdata/corpus.txt:%d: %s on a standby: %v (on the primary: %v): %q", k.line, v.Target, err, there, k.sql)
		}
	}
	t.Logf("%d statements ran on the standby, %d were refused; %d reads balanced, %d lost", ran, refused, balanced, lost)
	if 100*balanced < 97*(balanced+lost) {
		t.Errorf("%d of %d plain reads are balanced, want 97 %%", balanced, balanced+lost)
	}
	if ran < 300 || refused < 100 {
		t.Errorf("%d statements ran, %d were refused: the corpus says nothing", ran, refused)
	}
}

// try runs a statement and takes it back.
func try(t *testing.T, conn *pgconn.PgConn, sql string) *pgconn.PgError {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := conn.Exec(ctx, sql).ReadAll()
	var refusal *pgconn.PgError
	if err != nil && !errors.As(err, &refusal) {
		t.Fatalf("%q: %v", sql, err)
	}
	if conn.TxStatus() != 'I' {
		if _, err := conn.Exec(ctx, "ROLLBACK").ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	for _, clean := range []string{"SET default_transaction_isolation = 'read committed'", "RESET SESSION AUTHORIZATION", "DISCARD ALL"} {
		if _, err := conn.Exec(ctx, clean).ReadAll(); err != nil {
			t.Fatalf("%s after %q: %v", clean, sql, err)
		}
	}
	return refusal
}

// The queries for older servers have nothing left of what these do not know.
func TestCatalogBefore14(t *testing.T) {
	for _, q := range queries {
		if got := before14.Replace(q.sql); strings.Contains(got, "sqlbody") || strings.Contains(got, "multi") {
			t.Errorf("%s", got)
		}
	}
}

// TestKeywordsOfTheServer: a keyword that the server reserves must be known as one, and a word that may be a function's
// name must not pass for a construct.
func TestKeywordsOfTheServer(t *testing.T) {
	conn := connect(t, pgtest.Primary(t))
	results, err := conn.Exec(context.Background(), "SELECT word, catcode FROM pg_get_keywords()").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range results[0].Rows {
		word, code := string(row[0]), string(row[1])
		l := lexer{src: []byte(word), std: true}
		in := keywords().find(&l, l.next())
		if word == "system_user" { // from version 16 on; before, it is any name
			continue
		}
		if got := in&reserved != 0; got != (code == "R") {
			t.Errorf("%s: the server has it under %s", word, code)
		}
		if in&columnName != 0 && code != "C" {
			t.Errorf("%s is no construct: the server has it under %s", word, code)
		}
		if code == "C" && in&parenOK == 0 {
			t.Errorf("%s is a construct, and not known as one", word)
		}
	}
}
