package route

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// known is a catalog made by hand: the tests of the lexer and of the speed need no server. Its names are as dense as a
// real one's.
func known(t testing.TB) *Catalog {
	t.Helper()
	sn := &snapshot{utf8: true}
	for i, name := range strings.Fields(`pgbench_accounts pgbench_branches users orders order_items products addresses t kw`) {
		sn.relations = append(sn.relations, relation{id: uint32(20000 + i), name: name, schema: "public", kind: 'r', persistence: 'p'})
	}
	for _, name := range strings.Fields(`count sum max min now lower coalesce date_trunc to_char abs jsonb_build_object`) {
		sn.functions = append(sn.functions, function{name: name, schema: "pg_catalog", callable: true, single: true})
	}
	for _, name := range strings.Fields(`nextval setval set_config setseed lo_create`) {
		sn.functions = append(sn.functions, function{name: name, schema: "pg_catalog", callable: true, single: true, volatile: true})
	}
	for i := range 3000 {
		sn.functions = append(sn.functions, function{name: "filler_" + strings.Repeat("x", i%20) + string(rune('a'+i%26)) + strings.Repeat("y", i/26), schema: "pg_catalog", callable: true})
	}
	for i, name := range strings.Fields(`int4 int8 text numeric timestamptz date`) {
		sn.types = append(sn.types, dataType{id: uint32(i + 1), name: name, builtin: true})
	}
	return sn.build(usual)
}

const ormQuery = `SELECT "users"."id" AS t0_r0, "users"."email" AS t0_r1, "users"."name" AS t0_r2, "orders"."id" AS t1_r0, ` +
	`"orders"."total" AS t1_r1, "orders"."created_at" AS t1_r2 FROM "users" LEFT OUTER JOIN "orders" ON "orders"."user_id" = "users"."id" ` +
	`WHERE "users"."active" = $1 AND "users"."tenant_id" IN ($2, $3) AND "orders"."state" = 'paid' ` +
	`ORDER BY "orders"."created_at" DESC, "users"."id" LIMIT $4`

var speed = []struct{ name, sql string }{
	{"select1", "SELECT 1"},
	{"short", "SELECT abalance FROM pgbench_accounts WHERE aid = 12345;"},
	{"begin", "BEGIN"},
	{"update", "UPDATE pgbench_accounts SET abalance = abalance + 17 WHERE aid = 12345;"},
	{"orm400", ormQuery},
	{"unquoted400", strings.ReplaceAll(ormQuery, `"`, "")},
	{"insert1000", "INSERT INTO t (id, name, total) VALUES " + strings.Repeat("(12345, 'some text', 1.5), ", 1000) + "(1, 'x', 2)"},
}

// each times one way to a verdict with all the texts.
func each(b *testing.B, classify func(sql []byte)) {
	for _, s := range speed {
		sql := []byte(s.sql)
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(sql)))
			for b.Loop() {
				classify(sql)
			}
		})
	}
}

func BenchmarkClassify(b *testing.B) {
	c := NewClassifier(Settings{IgnoreLeadingSpace: true})
	env := Env{Catalog: known(b), StandardStrings: true, Encoding: EncodingUTF8}
	each(b, func(sql []byte) { c.Classify(sql, &env) })
}

func BenchmarkDecide(b *testing.B) {
	var s Session
	sql := []byte("SELECT 1")
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(Verdict{Target: Balance, Class: Read}, sql)
	}
}

// TestNothingIsAllocated classifies the whole corpus and what the benchmarks measure.
func TestNothingIsAllocated(t *testing.T) {
	c := NewClassifier(Settings{IgnoreLeadingSpace: true})
	temp := &TempSet{names: map[string]struct{}{"x": {}}}
	for _, env := range []Env{
		{StandardStrings: true, Encoding: EncodingUTF8},
		{StandardStrings: true, Encoding: EncodingUTF8, Catalog: known(t), Temp: temp},
	} {
		var texts [][]byte
		for _, s := range speed {
			texts = append(texts, []byte(s.sql))
		}
		for _, k := range corpus(t) {
			texts = append(texts, []byte(k.sql))
		}
		for _, sql := range texts {
			if n := testing.AllocsPerRun(5, func() {
				c.Classify(sql, &env)
				NextStatement(sql, true)
			}); n != 0 {
				t.Errorf("%v allocations for %q", n, sql)
			}
		}
	}
}

// TestNoCatalogIsCautious: without a snapshot nothing that names a relation or function is balanced.
func TestNoCatalogIsCautious(t *testing.T) {
	c := NewClassifier(Settings{IgnoreLeadingSpace: true})
	env := Env{StandardStrings: true, Encoding: EncodingUTF8}
	for _, sql := range []string{
		"SELECT * FROM t", "SELECT now()", "SELECT lower('x')", "SELECT ('tick'::regclass).nextval", "SELECT '5'::posint",
		"SELECT posint '5'", "SELECT CAST(5 AS posint)", "SELECT 1 %% 2", "TABLE t", "COPY t TO STDOUT", "SELECT x.y",
		"WITH x AS (SELECT 1) SELECT * FROM y", "SELECT first(1)", "SELECT a", "SELECT 1 FROM \"select\"", "SELECT substring('a', f(1))",
	} {
		if v := c.Classify([]byte(sql), &env); v.Target != Primary {
			t.Errorf("%s %s: %q", v.Target, v.Class, sql)
		}
	}
	for _, sql := range []string{
		"SELECT 1", "SELECT 1 AS one", "SELECT 1 + 1, 'x' || 'y'", "VALUES (1), (2)", "SELECT 1::int, int '5'",
		"SELECT current_date, current_user", "SELECT $1", "SELECT CASE WHEN true THEN 1 ELSE 2 END ORDER BY 1 LIMIT 1",
		"WITH x AS (SELECT 1) SELECT * FROM x",
	} {
		if v := c.Classify([]byte(sql), &env); v.Target != Balance {
			t.Errorf("%s %s (%s): %q", v.Target, v.Class, v.Reason, sql)
		}
	}
}

// TestReadingOfTheText: the settings that change what a text means.
func TestReadingOfTheText(t *testing.T) {
	for _, k := range []struct {
		name string
		sql  string
		set  Settings
		env  Env
		want Target
		why  Reason
	}{
		{"backslash in the standard", `SELECT '\', nextval('x') --'`, Settings{}, Env{StandardStrings: true, Encoding: EncodingUTF8}, Primary, ReasonFunction},
		{"backslash escapes", `SELECT '\', nextval(\'x\') --'`, Settings{}, Env{Encoding: EncodingUTF8}, Balance, ReasonNone},
		{"U& needs the standard", `SELECT U&'x'`, Settings{}, Env{Encoding: EncodingUTF8}, Primary, ReasonText},
		{"unsafe encoding, plain text", "SELECT 1", Settings{}, Env{StandardStrings: true}, Balance, ReasonNone},
		{"unsafe encoding", "SELECT '\x83\\'", Settings{}, Env{StandardStrings: true}, Primary, ReasonEncoding},
		{"other encoding in a literal", "SELECT '\xe9'", Settings{}, Env{StandardStrings: true, Encoding: EncodingASCII}, Balance, ReasonNone},
		{"other encoding in a name", "SELECT \xe9 FROM t", Settings{}, Env{StandardStrings: true, Encoding: EncodingASCII}, Primary, ReasonEncoding},
		{"comment", "/* x */ SELECT 1", Settings{}, Env{StandardStrings: true}, Primary, ReasonComment},
		{"line comment", " -- x\nSELECT 1", Settings{IgnoreLeadingSpace: true}, Env{StandardStrings: true}, Primary, ReasonComment},
		{"comment allowed", "/* x */ SELECT 1", Settings{AllowSQLComments: true}, Env{StandardStrings: true}, Balance, ReasonNone},
		{"hint", "/*NO LOAD BALANCE*/ SELECT 1", Settings{AllowSQLComments: true}, Env{StandardStrings: true}, Primary, ReasonHint},
		{"space", " SELECT 1", Settings{}, Env{StandardStrings: true}, Primary, ReasonSpace},
		{"pattern", "SELECT 'Audit'", Settings{PrimaryPatterns: compiled(t, "select .*audit.*")}, Env{StandardStrings: true}, Primary, ReasonPattern},
		{"pattern is for the whole text", "SELECT 'audit', 1", Settings{PrimaryPatterns: compiled(t, "select .*audit'")}, Env{StandardStrings: true}, Balance, ReasonNone},
		{"NUL", "SELECT 1\x00", Settings{}, Env{StandardStrings: true}, Primary, ReasonText},
		{"NUL in a literal", "SELECT '\x00'", Settings{}, Env{StandardStrings: true}, Primary, ReasonText},
		{"comments too deep", "SELECT " + strings.Repeat("/*", 40) + strings.Repeat("*/", 40) + " 1", Settings{}, Env{StandardStrings: true}, Primary, ReasonText},
		{"parentheses too deep", "SELECT " + strings.Repeat("(", 100) + "1" + strings.Repeat(")", 100), Settings{}, Env{StandardStrings: true}, Primary, ReasonText},
		{"temporary", "SELECT * FROM x", Settings{}, Env{StandardStrings: true, Temp: &TempSet{names: map[string]struct{}{"x": {}}}}, Primary, ReasonTemp},
		{"temporary over a table", "SELECT * FROM public.T", Settings{}, Env{StandardStrings: true, Temp: &TempSet{names: map[string]struct{}{"t": {}}}}, Primary, ReasonTemp},
	} {
		t.Run(k.name, func(t *testing.T) {
			k.env.Catalog = known(t)
			if v := NewClassifier(k.set).Classify([]byte(k.sql), &k.env); v.Target != k.want || v.Reason != k.why {
				t.Errorf("%s (%s), want %s (%s): %q", v.Target, v.Reason, k.want, k.why, k.sql)
			}
		})
	}
}

// TestVerdict looks at flags and names.
func TestVerdict(t *testing.T) {
	c := NewClassifier(Settings{IgnoreLeadingSpace: true})
	env := Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8}
	for _, k := range []struct {
		sql   string
		class Class
		flags Flag
		name  string
	}{
		{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", Begin, RepeatableRead | ReadOnly, ""},
		{"START TRANSACTION READ WRITE, READ ONLY", Begin, ReadOnly, ""},
		{"COMMIT AND CHAIN", Commit, Chain, ""},
		{"ROLLBACK AND NO CHAIN", Rollback, 0, ""},
		{"SAVEPOINT A", Savepoint, Writes, "a"},
		{`ROLLBACK TO "A"`, RollbackTo, 0, "A"},
		{"ROLLBACK TO savepoint", RollbackTo, 0, "savepoint"},
		{"RELEASE SAVEPOINT b", Release, 0, "b"},
		{"SET Work_Mem = 1", Set, 0, "work_mem"},
		{"SET SESSION a.b TO 1", Set, 0, "a.b"},
		{"SET session.b TO 1", Set, 0, "session.b"},
		{"SET LOCAL work_mem = 1", SetLocal, 0, "work_mem"},
		{"SET TIME /* x */ ZONE 'UTC'", Set, 0, "timezone"},
		{"SET NAMES 'x'", Set, 0, "client_encoding"},
		{"SET ROLE x", SetRole, 0, "role"},
		{"RESET work_mem", Reset, 0, "work_mem"},
		{"RESET ALL", Reset, Characteristics, ""},
		{"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", SetTransaction, Characteristics | ReadOnly, ""},
		{"SET default_transaction_isolation = 'serializable'", Set, Characteristics | Serializable, "default_transaction_isolation"},
		{"SET default_transaction_read_only = yes", Set, Characteristics | ReadOnly, "default_transaction_read_only"},
		{"SET transaction_isolation TO 'repeatable read'", SetTransaction, RepeatableRead, "transaction_isolation"},
		{"PREPARE P AS SELECT 1", Prepare, 0, "p"},
		{"PREPARE p AS SELECT nextval('x')", Prepare, Writes, "p"},
		{"PREPARE TRANSACTION 'x'", PrepareTransaction, 0, "'x'"},
		{"PREPARE transaction AS SELECT 1", Prepare, 0, "transaction"},
		{`EXECUTE "P"(1)`, Execute, 0, "P"},
		{"DEALLOCATE prepare p", Deallocate, 0, "p"},
		{"DECLARE c CURSOR WITH HOLD FOR SELECT 1", Declare, Writes | Hold, "c"},
		{"CREATE TEMP TABLE pg_temp.X (id int)", DDL, Writes | Temp, "x"},
		{"CREATE TABLE pg_temp.x (id int)", DDL, Writes | Temp, "x"},
		{"CREATE TABLE IF NOT EXISTS x (id int)", DDL, Writes, ""},
		{"CREATE OR REPLACE TEMPORARY VIEW IF AS SELECT 1", DDL, Writes | Temp, ""},
		{`CREATE LOCAL TEMP SEQUENCE IF NOT EXISTS "S s"`, DDL, Writes | Temp, "S s"},
		{"SELECT 1 INTO TEMP x", DDL, Writes | Temp, "x"},
		{"SELECT 1 INTO x", DDL, Writes, "into"},
		{"DISCARD TEMP", Discard, Temp, ""},
		{"SELECT set_config('a', 'b', false)", Read, Writes | Untracked, "set_config"},
		{"SELECT set_config('a', 'b', true)", Read, Writes | UntrackedLocal, "set_config"},
		{"SELECT set_config('a', 'b', not true)", Read, Writes | Untracked, "set_config"},
		{"SELECT set_config('a', f(1, true), false or true)", Read, Writes | Untracked, "set_config"},
		{"SELECT set_config('a', set_config('a', 'b', false), true)", Read, Writes | Untracked | UntrackedLocal, "set_config"},
		{"INSERT INTO t SELECT set_config('a', 'b', $1)", Write, Writes | Untracked, ""},
		{"SELECT setseed(1)", Read, Writes | Untracked, "setseed"},
		{"SELECT nextval('x')", Read, Writes, "nextval"},
		{`SELECT U&"\0073et_config"('a', 'b', false)`, Read, Writes | Untracked, ""},
		{`SELECT 1 AS ` + strings.Repeat("long", 16), Read, Writes, ""},
		{`SELECT U&"x"; SELECT 2`, Multi, Writes | Untracked, ""},
		{`RESET ROLE.x`, Reset, 0, "role.x"},
		{`SET a . "B" = 1`, Set, 0, "a.B"},
		{"RELEASE savepoint;", Release, 0, "savepoint"},
		{`SET U&"x" = 1`, Unknown, Writes | Untracked, ""},
		{"EXPLAIN (ANALYZE) DELETE FROM t", Explain, Writes, ""},
		{"EXPLAIN DELETE FROM t", Explain, 0, ""},
	} {
		v := c.Classify([]byte(k.sql), &env)
		name := ""
		if v.NameEnd > 0 {
			name = Name([]byte(k.sql), v)
		}
		if v.Class != k.class || v.Flags != k.flags || name != k.name {
			t.Errorf("%s %b %q, want %s %b %q: %q", v.Class, v.Flags, name, k.class, k.flags, k.name, k.sql)
		}
	}
}

func TestNextStatement(t *testing.T) {
	for _, k := range []struct {
		sql  string
		want []string
	}{
		{"", nil},
		{"SELECT 1", []string{"SELECT 1"}},
		{"a; b;c", []string{"a;", " b;", "c"}},
		{"';' ; $$;$$ ; \"a;b\" /* ; */ -- ;\n; x", []string{"';' ;", " $$;$$ ;", " \"a;b\" /* ; */ -- ;\n;", " x"}},
		{"CREATE RULE r AS ON UPDATE TO t DO (a; b); c", []string{"CREATE RULE r AS ON UPDATE TO t DO (a; b);", " c"}},
		{"create or replace function f() begin atomic select case when true then 1 end; select 2; end; x",
			[]string{"create or replace function f() begin atomic select case when true then 1 end; select 2; end;", " x"}},
		{"BEGIN; CASE; END;", []string{"BEGIN;", " CASE;", " END;"}},
		{"SELECT 'a", []string{"SELECT 'a"}},
	} {
		var got []string
		for rest := []byte(k.sql); len(rest) > 0; {
			end := NextStatement(rest, true)
			got = append(got, string(rest[:end]))
			rest = rest[end:]
		}
		if strings.Join(got, "|") != strings.Join(k.want, "|") {
			t.Errorf("%q, want %q", got, k.want)
		}
	}
}

// FuzzClassify: no panic, the same answer each time, no name outside of the text, and NextStatement goes forward.
func FuzzClassify(f *testing.F) {
	data, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		if i := bytes.IndexByte(line, ' '); i > 0 && line[0] != '#' {
			f.Add(line[i+1:], true)
		}
	}
	f.Add([]byte(`E'\`), false)
	f.Add([]byte("SELECT $a$ $b$ $a$ U&'x' \"a\"\"b\" 1..2 .5e-"), true)
	c := NewClassifier(Settings{})
	catalog := known(f)
	f.Fuzz(func(t *testing.T, sql []byte, std bool) {
		env := Env{Catalog: catalog, StandardStrings: std, Encoding: EncodingUTF8}
		v := c.Classify(sql, &env)
		if again := c.Classify(sql, &env); again != v {
			t.Fatalf("%v, then %v", v, again)
		}
		if v.NameAt > v.NameEnd || int(v.NameEnd) > len(sql) {
			t.Fatalf("name at %d:%d of %d bytes", v.NameAt, v.NameEnd, len(sql))
		}
		if v.NameEnd > 0 {
			Name(sql, v)
		}
		var s Session
		s.Decide(v, sql)
		env.Catalog = nil
		if bare := c.Classify(sql, &env); bare.Target == Balance && v.Target == Primary && v.Class == Read && v.Reason != ReasonServerState {
			t.Fatalf("balanced without a catalog, and not with one: %v", v)
		}
		for rest := sql; len(rest) > 0; {
			end := NextStatement(rest, std)
			if end <= 0 || end > len(rest) {
				t.Fatalf("statement ends at %d of %d", end, len(rest))
			}
			rest = rest[end:]
		}
	})
}
