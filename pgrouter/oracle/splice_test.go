package oracle

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// pieces of statements: fine enough to be put together anew, coarse enough to give valid SQL now and then.
var piece = regexp.MustCompile(`(?s)[Ee]?'(?:[^']|'')*'|"[^"]*"|\$\$.*?\$\$|/\*.*?\*/|--[^\n]*\n|\w+|::|[-+*/<>=~!@#%^&|?]+|\S`)

// more are fragments that the corpus has too rarely.
var more = []string{
	"FOR UPDATE", "FOR SHARE OF t", "INTO x", "(SELECT nextval('tick'))", ".bump", ".nextval", "nextval('tick')", "::posint", "posint '5'",
	"FROM v_tick", ", quick", "JOIN v_tick ON true", "WITH d AS (DELETE FROM t RETURNING id)", "LATERAL bump(t)", "AS nextval", "AS select",
	"TABLE v_tick", "UNION TABLE quick", "WITH ORDINALITY", "AS x(a posint)", "(SELECT 1 FOR UPDATE)", "; SELECT 2", "AS \"from\"", "values", "table",
	"TABLESAMPLE bernoulli(1)", "IS DISTINCT FROM", "CAST(1 AS posint)", "EXISTS (TABLE quick)", "ROWS FROM (bump(1), nextval('tick'))", "ARRAY[bump(1)]",
	"OVER (PARTITION BY bump(t))", "WITHIN GROUP (ORDER BY id)", "FILTER (WHERE bump(t) > 0)", "SESSION", "LOCAL", "TRANSACTION", "TO", "=", "ALL",
}

// splicer makes statements out of pieces of the corpus.
type splicer struct {
	statements [][]string
	rand       *rand.Rand
}

func newSplicer(t testing.TB, seed uint64) *splicer {
	s := &splicer{rand: rand.New(rand.NewPCG(seed, 1))}
	for _, sql := range statements(t) {
		if words := piece.FindAllString(sql, -1); len(words) > 0 {
			s.statements = append(s.statements, words)
		}
	}
	return s
}

// run is a few words of some statement, or a parenthesis of it.
func (s *splicer) run() []string {
	if s.rand.IntN(3) == 0 {
		return []string{more[s.rand.IntN(len(more))]}
	}
	words := s.statements[s.rand.IntN(len(s.statements))]
	from := s.rand.IntN(len(words))
	if s.rand.IntN(2) == 0 {
		for i := range words {
			if j := (from + i) % len(words); words[j] == "(" {
				for depth, k := 0, j; k < len(words); k++ {
					depth += strings.Count(words[k], "(") - strings.Count(words[k], ")")
					if depth == 0 {
						return words[j : k+1]
					}
				}
			}
		}
	}
	return words[from:min(len(words), from+1+s.rand.IntN(5))]
}

// statement changes one of the corpus in one or two places.
func (s *splicer) statement() string {
	words := append([]string(nil), s.statements[s.rand.IntN(len(s.statements))]...)
	for range 1 + s.rand.IntN(2) {
		at := s.rand.IntN(len(words) + 1)
		end := min(len(words), at+s.rand.IntN(3))
		words = append(words[:at:at], append(append([]string(nil), s.run()...), words[end:]...)...)
	}
	return strings.Join(words, " ")
}

// TestSplicedStatements compares what comes out of it, a different set whenever the seed is changed.
func TestSplicedStatements(t *testing.T) {
	count := 150000
	if testing.Short() {
		count = 10000
	}
	compared := splice(t, 1, count)
	t.Logf("%d of %d were valid and compared", compared, count)
	if compared < count/30 {
		t.Error("too few of them were valid to say anything")
	}
}

// FuzzSplices takes the seed from the fuzzer.
func FuzzSplices(f *testing.F) {
	f.Add(uint64(2))
	f.Fuzz(func(t *testing.T, seed uint64) { splice(t, seed, 50) })
}

func splice(t *testing.T, seed uint64, count int) (compared int) {
	s := newSplicer(t, seed)
	wrongs := 0
	for range count {
		sql := s.statement()
		wrong, ok := compare(sql)
		if ok {
			compared++
		}
		if wrong != "" {
			t.Errorf("%q: %s", sql, wrong)
			if wrongs++; wrongs == 50 {
				t.Fatal("and more")
			}
		}
	}
	return compared
}
