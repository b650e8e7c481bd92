package route

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNormalize(t *testing.T) {
	for _, k := range []struct{ sql, want string }{
		{"", ""},
		{"SELECT 1", "SELECT 0"},
		{"SELECT abalance FROM pgbench_accounts WHERE aid = 12345;", "SELECT abalance FROM pgbench_accounts WHERE aid = 0;"},
		{"SELECT t1.a2 FROM s3.t1 t WHERE a_4 IN (1,22,-333)", "SELECT t1.a2 FROM s3.t1 t WHERE a_4 IN (0,0,-0)"},
		{"SELECT 1.50, .5, 2e10, 2e+10, 0x1F, 1_000, 12and", "SELECT 0.0, .0, 0e10, 0e+0, 0x1F, 0_000, 0and"},
		{"SELECT é1, 1é1", "SELECT é1, 0é1"},
		{"SELECT 6 - 5 / 4 * 3 -", "SELECT 0 - 0 / 0 * 0 -"},
	} {
		got, ok := normalize(nil, []byte(k.sql))
		if !ok || string(got) != k.want {
			t.Errorf("%q: %q, %v; want %q", k.sql, got, ok, k.want)
		}
	}
	for _, sql := range []string{"SELECT '1'", `SELECT 1 AS "1"`, "SELECT $1", "SELECT $$1$$", "SELECT 1$$2$$", "SELECT a$1", "SELECT 1 -- 2", "/* 1 */ SELECT 1", "SELECT e'1'"} {
		if got, ok := normalize(nil, []byte(sql)); ok {
			t.Errorf("%q became %q", sql, got)
		}
	}
}

// TestTelling: each byte is found from each place, whatever is around it.
func TestTelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sql := rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte(" !\"9:a\xa2\xb9"))), 0, 40).Draw(t, "text")
		p := rapid.IntRange(0, len(sql)).Draw(t, "from")
		want := p
		for want < len(sql) && (sql[want] < '"' || sql[want] > '9') {
			want++
		}
		if got := telling(sql, p); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
	})
}

// numbered are statements whose numbers have a meaning, or where something else than a number holds digits.
var numbered = []string{
	"SELECT 1", "SELECT 1.5e10 FROM users WHERE id = 3", "SELECT * FROM t1 WHERE id = 1", "UPDATE t SET kw = 1 WHERE kw = 2",
	"SET default_transaction_read_only = 1", "SET transaction_read_only TO 0", "SET statement_timeout = 100", "SET TIME ZONE 5",
	"SELECT nextval(1)", "SELECT setval(1, 2)", "SELECT f1(1), f2(2)", "EXECUTE p1(1, 2)", "PREPARE p1 AS SELECT 1", "SAVEPOINT s1",
	"FETCH 1 FROM c1", "SELECT 1; SELECT 2", "SELECT 1and 2", "SELECT 1..2", "SELECT 1.users", "SELECT x.1", "SELECT 0x1F, 0b1, 1_0",
	"SELECT '1', 2", "SELECT $1, 2", "SELECT 1$$ 2 $$", "SELECT 1 /* 2 */", "SELECT 1 -- 2", "SELECT 1 AS \"1\"", "DECLARE c1 CURSOR FOR SELECT 1",
	"SELECT * FROM users LIMIT 1 FOR UPDATE", "BEGIN", "SELECT 1é FROM t", "CREATE TEMP TABLE x1 AS SELECT 1", "DEALLOCATE p1",
}

// TestNormalizedAgrees: with whatever digits in place of its own, a text that comes after others like it gets the
// classifier's own verdict.
func TestNormalizedAgrees(t *testing.T) {
	texts := numbered
	for _, k := range corpus(t) {
		texts = append(texts, k.sql)
	}
	envs := []*Env{{}, {Catalog: known(t), Encoding: EncodingUTF8}, {Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8},
		{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8, Temp: &TempSet{names: map[string]struct{}{"t1": {}}}}}
	c := NewClassifier(Settings{IgnoreLeadingSpace: true})
	patterns := NewClassifier(Settings{PrimaryPatterns: compiled(t, "select 1.*")})
	m := newMemory(16)
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.SampledFrom(texts).Draw(t, "text"))
		env := rapid.SampledFrom(envs).Draw(t, "env")
		c := rapid.SampledFrom([]*Classifier{c, c, c, patterns}).Draw(t, "classifier")
		for range 4 {
			var sql []byte
			for p, b := range text {
				if chars[b]&cDigit == 0 {
					sql = append(sql, b)
				} else if first := p == 0 || chars[text[p-1]]&cDigit == 0; first {
					sql = append(sql, rapid.StringMatching(`[0-9]{1,3}`).Draw(t, "digits")...)
				}
			}
			if got, want := m.ClassifyNormalized(c, sql, env), c.Classify(sql, env); got != want {
				t.Fatalf("%+v, want %+v: %q", got, want, sql)
			}
		}
	})
}

// TestNormalizedRemembers: other numbers are no other statement, and cost nothing to read.
func TestNormalizedRemembers(t *testing.T) {
	c, m := NewClassifier(Settings{}), NewMemory()
	env := &Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8}
	for _, sql := range []string{"SELECT count(*) FROM users WHERE id = 1", "SELECT count(*) FROM users WHERE id = 234"} {
		if v := m.ClassifyNormalized(c, []byte(sql), env); v.Target != Balance {
			t.Fatalf("%s (%s)", v.Target, v.Reason)
		}
	}
	if !m.remembers("SELECT count(*) FROM users WHERE id = 0", env) {
		t.Error("the same with two numbers is not remembered")
	}
	sql := []byte("SELECT count(*) FROM users WHERE id = 100")
	if n := testing.AllocsPerRun(100, func() { sql[len(sql)-1] ^= 1; m.ClassifyNormalized(c, sql, env) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzNormalized: a text as it is and with its numbers normalized are the same to the classifier.
func FuzzNormalized(f *testing.F) {
	for _, sql := range numbered {
		f.Add(sql, true)
	}
	c := NewClassifier(Settings{IgnoreLeadingSpace: true})
	env := Env{Catalog: known(f), Encoding: EncodingUTF8}
	f.Fuzz(func(t *testing.T, sql string, standard bool) {
		env := env
		env.StandardStrings = standard
		m := newMemory(1)
		for range 3 {
			if got, want := m.ClassifyNormalized(c, []byte(sql), &env), c.Classify([]byte(sql), &env); got != want {
				t.Fatalf("%+v, want %+v: %q", got, want, sql)
			}
		}
	})
}

// BenchmarkNormalized is BenchmarkClassify with texts whose numbers change.
func BenchmarkNormalized(b *testing.B) {
	c, m := NewClassifier(Settings{IgnoreLeadingSpace: true}), NewMemory()
	env := Env{Catalog: known(b), StandardStrings: true, Encoding: EncodingUTF8}
	each(b, func(sql []byte) { m.ClassifyNormalized(c, sql, &env) })
}
