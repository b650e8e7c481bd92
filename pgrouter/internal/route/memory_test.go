package route

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"pgregory.net/rapid"
)

// TestMemoryAgrees: whatever comes in whatever order, the verdict is the classifier's own. Three places are fewer than
// there are texts, so that they are taken from each other all the time.
func TestMemoryAgrees(t *testing.T) {
	var texts [][]byte
	for _, k := range corpus(t) {
		texts = append(texts, []byte(k.sql))
	}
	for _, k := range speed {
		texts = append(texts, []byte(k.sql))
	}
	classifiers := []*Classifier{
		NewClassifier(Settings{}),
		NewClassifier(Settings{IgnoreLeadingSpace: true, AllowSQLComments: true}),
		NewClassifier(Settings{PrimaryPatterns: compiled(t, "select.*")}),
	}
	temp := &TempSet{names: map[string]struct{}{"t": {}, "users": {}}}
	envs := []*Env{{Temp: temp, StandardStrings: true, Encoding: EncodingUTF8}}
	for _, catalog := range []*Catalog{nil, known(t), userFunctions().build(usual), Lenient(nil, nil, nil), Lenient([]string{"count"}, nil, []string{"t"})} {
		for _, encoding := range []Encoding{EncodingUnsafe, EncodingASCII, EncodingUTF8} {
			for _, standard := range []bool{false, true} {
				envs = append(envs, &Env{Catalog: catalog, StandardStrings: standard, Encoding: encoding})
			}
		}
		envs = append(envs, &Env{Catalog: catalog, StandardStrings: true, Encoding: EncodingUTF8, Temp: temp})
	}
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory(rapid.SampledFrom([]int{1, 4, memoryPlaces}).Draw(t, "places"))
		few := rapid.SliceOfN(rapid.SampledFrom(texts), 1, 6).Draw(t, "texts") // so that they come again
		c := classifiers[0]
		env := rapid.SampledFrom(envs)
		in := env.Draw(t, "env")
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 19).Draw(t, "change") {
			case 0:
				c = rapid.SampledFrom(classifiers).Draw(t, "reload")
			case 1, 2, 3, 4:
				in = env.Draw(t, "env")
			}
			sql := rapid.SampledFrom(few).Draw(t, "sql")
			got, want := m.Classify(c, sql, in), c.Classify(sql, in)
			if got != want {
				t.Fatalf("%+v, want %+v: %q", got, want, sql)
			}
		}
	})
}

// proved is what the tests below ask about: a read when the catalog is known.
const proved = "SELECT count(*) FROM users WHERE id = $1"

// remembers tells whether the verdict comes without a classifier: from a copy of the memory that has another one for all.
func (m *Memory) remembers(sql string, env *Env) bool {
	forged := Verdict{Class: Listen, NameAt: 77}
	other := Memory{seed: m.seed, of: m.of, places: slices.Clone(m.places)}
	for i := range other.places {
		other.places[i].verdict, other.places[i].claim = forged, 0
	}
	return other.Classify(m.of, []byte(sql), env) == forged
}

func TestMemoryRemembers(t *testing.T) {
	c := NewClassifier(Settings{})
	first := &Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8}
	m := NewMemory()
	lent := []byte(proved)
	for range 2 {
		if v := m.Classify(c, lent, first); v.Target != Balance {
			t.Fatalf("%s (%s)", v.Target, v.Reason)
		}
	}
	clear(lent) // it is the caller's again
	if !m.remembers(proved, first) {
		t.Fatal("a text that came twice is not remembered")
	}
	for _, k := range []struct {
		name string
		env  Env
	}{
		{"a newer catalog", Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8}},
		{"no catalog", Env{StandardStrings: true, Encoding: EncodingUTF8}},
		{"backslash escapes", Env{Catalog: first.Catalog, Encoding: EncodingUTF8}},
		{"another encoding", Env{Catalog: first.Catalog, StandardStrings: true, Encoding: EncodingASCII}},
		{"a temporary relation", Env{Catalog: first.Catalog, StandardStrings: true, Encoding: EncodingUTF8, Temp: &TempSet{full: true}}},
	} {
		if m.remembers(proved, &k.env) {
			t.Errorf("%s: the old verdict is given", k.name)
		}
	}
	if v := m.Classify(NewClassifier(Settings{PrimaryPatterns: compiled(t, ".*")}), []byte(proved), first); v.Reason != ReasonPattern {
		t.Errorf("settings were loaded anew: %s (%s)", v.Target, v.Reason)
	}
	if v := m.Classify(c, []byte(proved), first); v.Target != Balance {
		t.Errorf("and again: %s (%s)", v.Target, v.Reason)
	}
}

// TestMemoryOfTemporaryRelations: what a session with temporary relations asks is not remembered, even for itself.
func TestMemoryOfTemporaryRelations(t *testing.T) {
	c, m := NewClassifier(Settings{}), NewMemory()
	env := Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8, Temp: &TempSet{names: map[string]struct{}{"users": {}}}}
	for range 3 {
		if v := m.Classify(c, []byte(proved), &env); v.Reason != ReasonTemp {
			t.Fatalf("%s (%s)", v.Target, v.Reason)
		}
	}
	env.Temp = nil
	if m.of = c; m.remembers(proved, &env) {
		t.Error("it is remembered")
	}
}

// TestMemoryComparesTexts: a hash alone proves nothing.
func TestMemoryComparesTexts(t *testing.T) {
	c, m := NewClassifier(Settings{}), newMemory(1)
	env := Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8}
	for range 2 {
		m.Classify(c, []byte(proved), &env)
	}
	const written = "DELETE FROM users"
	hash := m.places[0].hash
	m.Classify(c, []byte(written), &env) // it claims the place, and so tells its hash
	m.places[0].hash, m.places[0].claim = m.places[0].claim, hash
	if v := m.Classify(c, []byte(written), &env); v.Target != Primary || v.Class != Write {
		t.Errorf("%s %s", v.Target, v.Class)
	}
}

// TestMemoryEvicts: a text gets the place of another one when it comes twice before any third, and not when it comes once.
func TestMemoryEvicts(t *testing.T) {
	c, m := NewClassifier(Settings{}), newMemory(1)
	env := &Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8}
	ask := func(sql string) { m.Classify(c, []byte(sql), env) }
	ask("SELECT 1")
	if m.remembers("SELECT 1", env) {
		t.Error("a text is remembered that came once")
	}
	ask("SELECT 1")
	ask("SELECT 2")
	ask("SELECT 3")
	ask("SELECT 2")
	if !m.remembers("SELECT 1", env) {
		t.Error("texts that came once took the place of another")
	}
	ask("SELECT 2")
	if m.remembers("SELECT 1", env) || !m.remembers("SELECT 2", env) {
		t.Error("a text that came twice did not get the place")
	}
}

// TestMemoryIsBounded: a text that is too long is not kept.
func TestMemoryIsBounded(t *testing.T) {
	c, m := NewClassifier(Settings{}), NewMemory()
	env := &Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8}
	for _, size := range []int{memoryLongest, memoryLongest + 1} {
		sql := proved + strings.Repeat(" ", size-len(proved))
		for range 2 {
			m.Classify(c, []byte(sql), env)
		}
		if got, want := m.remembers(sql, env), size <= memoryLongest; got != want {
			t.Errorf("%d bytes: %v", size, got)
		}
	}
}

// TestMemoryKeepsNoCatalog: a snapshot that has been replaced is garbage, and its number is not used again.
func TestMemoryKeepsNoCatalog(t *testing.T) {
	c, m := NewClassifier(Settings{}), NewMemory()
	env := &Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8}
	for range 3 {
		m.Classify(c, []byte(proved), env)
	}
	old, number := weak.Make(env.Catalog), env.Catalog.number
	env.Catalog = nil
	for range 3 {
		runtime.GC()
	}
	if old.Value() != nil {
		t.Error("the old snapshot is still there")
	}
	for _, made := range []*Catalog{known(t), Lenient(nil, nil, nil)} {
		if made.number <= number {
			t.Errorf("number %d comes after %d", made.number, number)
		}
	}
	runtime.KeepAlive(m)
}

// TestMemoryAllocatesNothing: neither for a text that it knows, nor for one that it will not see again.
func TestMemoryAllocatesNothing(t *testing.T) {
	c, m := NewClassifier(Settings{}), NewMemory()
	env := &Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8}
	same := []byte(ormQuery)
	for range 2 {
		m.Classify(c, same, env)
	}
	if n := testing.AllocsPerRun(100, func() { m.Classify(c, same, env) }); n != 0 {
		t.Errorf("%v allocations for a text that is known", n)
	}
	other := []byte("SELECT 1000000")
	if n := testing.AllocsPerRun(100, func() {
		for i := len(other) - 1; ; i-- {
			other[i]++
			if other[i] <= '9' {
				break
			}
			other[i] = '0'
		}
		m.Classify(c, other, env)
	}); n != 0 {
		t.Errorf("%v allocations for a new text", n)
	}
}

// BenchmarkMemory is BenchmarkClassify with texts that come again, and one that never does.
func BenchmarkMemory(b *testing.B) {
	c, m := NewClassifier(Settings{IgnoreLeadingSpace: true}), NewMemory()
	env := Env{Catalog: known(b), StandardStrings: true, Encoding: EncodingUTF8}
	each(b, func(sql []byte) { m.Classify(c, sql, &env) })
	sql, n := []byte(ormQuery+"        "), uint64(0)
	b.Run("orm400new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n++
			for i := range 8 {
				sql[len(sql)-1-i] = '0' + byte(n>>(3*i)&7)
			}
			m.Classify(c, sql, &env)
		}
	})
}
