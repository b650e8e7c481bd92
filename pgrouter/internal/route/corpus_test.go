package route

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// corpusCase is one line of testdata/corpus.txt.
type corpusCase struct {
	line   int
	target Target
	class  string
	lost   bool // a read that could be balanced, and is not
	obeyed bool // never run it on a standby
	sql    string
}

// corpus reads testdata/corpus.txt.
func corpus(t testing.TB) []corpusCase {
	t.Helper()
	data, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]Target{"primary": Primary, "balance": Balance, "all": All, "local": Local, "lost": Primary}
	var cases []corpusCase
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		class, sql, ok := strings.Cut(rest, " ")
		target, known := targets[word]
		if !ok || !known {
			t.Fatalf("testdata/corpus.txt:%d: not target, class, statement: %s", i+1, line)
		}
		c := corpusCase{line: i + 1, target: target, lost: word == "lost", sql: sql}
		c.class, c.obeyed = strings.CutSuffix(class, "!")
		if strings.HasPrefix(sql, `"`) {
			if c.sql, err = strconv.Unquote(sql); err != nil {
				t.Fatalf("testdata/corpus.txt:%d: %v", i+1, err)
			}
		}
		cases = append(cases, c)
	}
	return cases
}
