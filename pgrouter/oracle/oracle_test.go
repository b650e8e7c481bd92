package oracle

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
)

// Longer or deeper statements are not given to the parser: it would take the process with it.
const (
	maxSize  = 2048
	maxDepth = 60
)

var (
	catalog    = route.Lenient(functions, types, relations)
	classifier = route.NewClassifier(route.Settings{AllowSQLComments: true, IgnoreLeadingSpace: true})
)

// compare gives what is wrong with the classifier's answer, or "". compared is false for what the parser refuses.
func compare(sql string) (wrong string, compared bool) {
	env := route.Env{Catalog: catalog, StandardStrings: true, Encoding: route.EncodingUTF8}
	v := classifier.Classify([]byte(sql), &env)
	if len(sql) > maxSize || strings.Count(sql, "(")+strings.Count(sql, "[")+strings.Count(sql, "/*") > maxDepth || strings.Contains(sql, "\x00") {
		return "", false
	}
	result, err := pg.Parse(sql)
	if err != nil {
		return "", false // harmless: the server refuses it, too
	}
	unreadable := v.Class == route.Unknown && v.Is(route.Untracked)
	switch len(result.Stmts) {
	case 0:
		if v.Class != route.Empty && !unreadable {
			return "it is empty", true
		}
		return "", true
	case 1:
	default:
		if v.Class != route.Multi && !unreadable {
			return "it is several statements", true
		}
		return splits(sql, len(result.Stmts)), true
	}
	if v.Class == route.Multi && !v.Is(route.Untracked) {
		return "it is one statement", true
	}
	if why := danger(result.Stmts[0]); why != "" && v.Target == route.Balance {
		return why, true
	}
	return state(sql, result.Stmts[0].Stmt, v), true
}

// state compares what the statement does to the session.
func state(sql string, stmt *pg.Node, v route.Verdict) string {
	want, name := classes(stmt)
	if want == nil || v.Class == route.Unknown && v.Is(route.Untracked) {
		if _, ok := stmt.GetNode().(*pg.Node_VariableSetStmt); !ok && (v.Class == route.Set || v.Class == route.SetRole || v.Class == route.Reset) {
			if _, ok := stmt.GetNode().(*pg.Node_ConstraintsSetStmt); !ok {
				return "it sets nothing"
			}
		}
		return ""
	}
	if !slices.Contains(want, v.Class) {
		return "it is " + want[0].String()
	}
	if name != "" {
		if v.NameEnd == 0 {
			return "it names " + name
		}
		if got := route.Name([]byte(sql), v); got != name {
			return "it names " + name + ", not " + got
		}
	}
	return ""
}

// splits compares where statements end: each part must be one.
func splits(sql string, count int) string {
	parts := 0
	for rest := []byte(sql); len(rest) > 0; {
		end := route.NextStatement(rest, true)
		result, err := pg.Parse(string(rest[:end]))
		if err != nil || len(result.Stmts) > 1 {
			return "a part is no statement: " + string(rest[:end])
		}
		parts += len(result.Stmts)
		rest = rest[end:]
	}
	if parts != count {
		return strconv.Itoa(parts) + " parts, " + strconv.Itoa(count) + " statements"
	}
	return ""
}

// statements reads the classifier's own corpus.
func statements(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("../internal/route/testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range bytes.Lines(data) {
		words := strings.SplitN(strings.TrimSuffix(string(line), "\n"), " ", 3)
		if len(words) < 3 || strings.HasPrefix(words[0], "#") {
			continue
		}
		sql := words[2]
		if strings.HasPrefix(sql, `"`) {
			if sql, err = strconv.Unquote(sql); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, sql)
	}
	return all
}

func TestCorpusAgainstParser(t *testing.T) {
	compared := 0
	for _, sql := range statements(t) {
		wrong, ok := compare(sql)
		if ok {
			compared++
		}
		if wrong != "" {
			t.Errorf("%q: %s", sql, wrong)
		}
	}
	t.Logf("%d statements compared", compared)
	if compared < 400 {
		t.Errorf("only %d statements were compared", compared)
	}
}

func FuzzAgainstParser(f *testing.F) {
	for _, sql := range statements(f) {
		f.Add(sql)
	}
	for _, sql := range []string{
		"SELECT * FROM t WHERE a = 1 AND b.bump > 2 FOR SHARE", "WITH a AS (SELECT 1) SELECT x.nextval, nextval('s')::posint FROM v_tick x, quick",
		"SET SESSION LOCAL x.y TO DEFAULT", "BEGIN; SELECT ';' ; END", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; SELECT 2",
	} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if wrong, _ := compare(sql); wrong != "" {
			t.Errorf("%q: %s", sql, wrong)
		}
	})
}
