package route

import (
	"regexp"
	"testing"
)

// compiled makes the patterns of a list.
func compiled(t testing.TB, list ...string) []*regexp.Regexp {
	t.Helper()
	var all []*regexp.Regexp
	for _, text := range list {
		p, err := compile(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}
