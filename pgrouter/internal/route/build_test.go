package route

import (
	"testing"
)

// userFunctions is a snapshot of functions as a database has them, for the lists of the configuration.
func userFunctions() *snapshot {
	return &snapshot{functions: []function{
		{name: "now", schema: "pg_catalog", callable: true},
		{name: "lo_create", schema: "pg_catalog", callable: true, volatile: true},
		{name: "nextval", schema: "pg_catalog", callable: true, volatile: true},
		{name: "reads", schema: "public", callable: true, volatile: true},
		{name: "writes", schema: "public", callable: true, volatile: true},
		{name: "both", schema: "public", callable: true},
		{name: "both", schema: "app", callable: true},
		{name: "stable", schema: "public", callable: true, body: "SELECT nextval('s')"},
	}}
}

func TestFunctionLists(t *testing.T) {
	for _, k := range []struct {
		name     string
		set      CatalogSettings
		balanced string // the functions that may be
	}{
		{"the catalog decides", CatalogSettings{}, "now both"},
		{"what is not read-only writes", CatalogSettings{ReadOnlyFunctions: compiled(t, "reads", "stable")}, "now reads stable"},
		{"only what is listed writes", CatalogSettings{WriteFunctions: compiled(t, "WRIT.*")}, "now reads both stable"},
		{"anchored", CatalogSettings{WriteFunctions: compiled(t, "rite")}, "now reads writes both stable"},
		{"with a schema, by name", CatalogSettings{WriteFunctions: compiled(t, `app\.both`, "now")}, "reads writes stable"},
		{"read-only in one schema is not enough", CatalogSettings{ReadOnlyFunctions: compiled(t, `app\.both`)}, "now"},
		{"what a standby refuses stays refused", CatalogSettings{ReadOnlyFunctions: compiled(t, ".*")}, "now lo_create reads writes both stable"},
		{"both lists", CatalogSettings{ReadOnlyFunctions: compiled(t, ".*"), WriteFunctions: compiled(t, "writes")}, "now lo_create reads both stable"},
	} {
		t.Run(k.name, func(t *testing.T) {
			env := Env{Catalog: userFunctions().build(k.set), StandardStrings: true, Encoding: EncodingUTF8}
			c := NewClassifier(Settings{})
			want := wordSet(k.balanced)
			for _, f := range []string{"now", "lo_create", "nextval", "reads", "writes", "both", "stable"} {
				v := c.Classify([]byte("SELECT "+f+"()"), &env)
				if (v.Target == Balance) != want[f] {
					t.Errorf("%s: %s (%s)", f, v.Target, v.Reason)
				}
			}
		})
	}
}

// TestNothingIsProved: in some databases no text is a proof.
func TestNothingIsProved(t *testing.T) {
	for _, k := range []struct {
		name string
		sn   *snapshot
		why  Reason
	}{
		{"a volatile implicit cast", &snapshot{casts: []cast{{target: 23, implicit: true}}}, ReasonImplicitCast},
		{"a volatile operator that LIKE uses", &snapshot{operators: []string{"~~"}}, ReasonOperator},
		{"sorting runs a volatile function", &snapshot{volatileSort: true}, ReasonOperator},
		{"serializable by default", &snapshot{serializable: true}, ReasonTransaction},
	} {
		env := Env{Catalog: k.sn.build(usual), StandardStrings: true, Encoding: EncodingUTF8}
		for _, sql := range []string{"SELECT 1", "COPY (SELECT 1) TO STDOUT"} {
			if v := NewClassifier(Settings{}).Classify([]byte(sql), &env); v.Target != Primary || v.Reason != k.why {
				t.Errorf("%s: %s (%s): %q", k.name, v.Target, v.Reason, sql)
			}
		}
	}
}

// TestExplicitCastToBuiltIn: a volatile cast to a built-in type makes the type dangerous under all its spellings.
func TestExplicitCastToBuiltIn(t *testing.T) {
	sn := &snapshot{casts: []cast{{target: 23}}, types: []dataType{{id: 23, name: "int4", builtin: true}, {id: 1007, name: "_int4", element: 23, builtin: true}, {id: 25, name: "text", builtin: true}}}
	env := Env{Catalog: sn.build(usual), StandardStrings: true, Encoding: EncodingUTF8}
	for sql, want := range map[string]Target{
		"SELECT x::int4 FROM (SELECT 1 AS x) s": Primary, "SELECT '1'::int": Primary, "SELECT CAST(1 AS integer)": Primary,
		"SELECT '{}'::_int4": Primary, "SELECT '1'::text": Balance, "SELECT '1'::bigint": Balance,
	} {
		if v := NewClassifier(Settings{}).Classify([]byte(sql), &env); v.Target != want {
			t.Errorf("%s (%s): %q", v.Target, v.Reason, sql)
		}
	}
}

// TestKeywordsAreInOrder: the numbers of the keywords are their places in the list of names.
func TestKeywordsAreInOrder(t *testing.T) {
	if len(keywordNames) != int(kwLast) {
		t.Fatalf("%d names, %d numbers", len(keywordNames), kwLast)
	}
	for name, want := range map[string]keyword{"abort": kwAbort, "from": kwFrom, "into": kwInto, "only": kwOnly, "or": kwOr,
		"order": kwOrder, "select": kwSelect, "update": kwUpdate, "with": kwWith, "within": kwWithin, "zone": kwZone} {
		if got := keywordNames[want-1]; got != name {
			t.Errorf("%d is %s, want %s", want, got, name)
		}
	}
}
