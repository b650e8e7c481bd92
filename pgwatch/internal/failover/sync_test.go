package failover

import (
	"slices"
	"testing"
)

func TestParseSync(t *testing.T) {
	for text, want := range map[string]struct {
		num   int
		names []string
	}{
		"":                            {0, nil},
		"  ":                          {0, nil},
		"b":                           {1, []string{"b"}},
		"B, c":                        {1, []string{"b", "c"}},
		"*":                           {1, []string{"*"}},
		"2 (b, c, d)":                 {2, []string{"b", "c", "d"}},
		"FIRST 2 (b,c)":               {2, []string{"b", "c"}},
		"any 1 ( b , c )":             {1, []string{"b", "c"}},
		`ANY 1 ("b,1", "say ""hi""")`: {1, []string{"b,1", `say "hi"`}},
		`"a (b)"`:                     {1, []string{"a (b)"}},
		"ANY 1 ()":                    {0, nil},
		"ANY 99999999999999999999(b)": {0, nil},
		`"open`:                       {1, []string{"open"}},
		",,b":                         {1, []string{"b"}},
	} {
		if num, names := ParseSync(text); num != want.num || !slices.Equal(names, want.names) {
			t.Errorf("%q: %d of %q, wanted %d of %q", text, num, names, want.num, want.names)
		}
	}
}

func FuzzParseSync(f *testing.F) {
	for _, seed := range []string{`ANY 1 ("b,1", c)`, `"`, "2(", ",("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if num, names := ParseSync(text); num != 0 && len(names) == 0 {
			t.Errorf("%q: %d of nobody", text, num)
		}
	})
}
