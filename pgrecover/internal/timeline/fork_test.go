package timeline

import (
	"strings"
	"testing"
)

func TestFork(t *testing.T) {
	first := History{Timeline: 1}
	second := History{2, []Switch{{1, 100}}}
	rival := History{2, []Switch{{1, 90}}}
	third := History{3, []Switch{{1, 100}, {2, 200}}}
	skipped := History{3, []Switch{{1, 100}}}
	for name, c := range map[string]struct {
		a, b History
		want Switch
		ok   bool
	}{
		"one timeline":          {second, second, Switch{2, NoEnd}, true},
		"a parent":              {first, second, Switch{1, 100}, true},
		"a grandparent":         {first, third, Switch{1, 100}, true},
		"one number, two forks": {second, rival, Switch{1, 90}, true},
		"a fork of a parent":    {rival, third, Switch{1, 90}, true},
		"siblings":              {second, skipped, Switch{1, 100}, true},
		"strangers":             {History{Timeline: 4, Past: []Switch{{2, 5}}}, first, Switch{}, false},
	} {
		for _, pair := range [][2]History{{c.a, c.b}, {c.b, c.a}} {
			if got, ok := Fork(pair[0], pair[1]); got != c.want || ok != c.ok {
				t.Errorf("%s: %v %v", name, got, ok)
			}
		}
	}
}

func TestSegments(t *testing.T) {
	const size = 16 << 20
	for _, name := range []string{"000000010000000000000001", "0000000A00000002000000FF", "FFFFFFFFFFFFFFFF00000000"} {
		s, ok := ParseSegment(name, size)
		if !ok || s.Name(size) != name {
			t.Errorf("%s: %v %v", name, s, ok)
		}
	}
	if s, _ := ParseSegment("0000000A00000002000000FF", size); s.Timeline != 10 || LSN(s.Begin) != "2/FF000000" {
		t.Errorf("%v", s)
	}
	for _, name := range []string{"", "00000002.history", "00000001000000000000000G", "000000010000000000000100", "000000010000000000000001.partial"} {
		if s, ok := ParseSegment(name, size); ok {
			t.Errorf("%s is %v", name, s)
		}
	}
}

func TestParseLSN(t *testing.T) {
	if at, err := ParseLSN("1/A0"); at != 1<<32|0xA0 || err != nil {
		t.Error(at, err)
	}
	for _, s := range []string{"", "1", "/", "1/", "x/1", "1/1/1", "100000000/0"} {
		if at, err := ParseLSN(s); err == nil {
			t.Errorf("%q is %d", s, at)
		}
	}
}

func FuzzParseSegment(f *testing.F) {
	f.Add("0000000A00000002000000FF", uint64(16<<20))
	f.Add("000000010000000000000001", uint64(1))
	f.Fuzz(func(t *testing.T, name string, size uint64) {
		if s, ok := ParseSegment(name, size); ok && size&(size-1) == 0 && s.Name(size) != strings.ToUpper(name) {
			t.Errorf("%s of %d bytes is %v", name, size, s)
		}
	})
}

func FuzzParseLSN(f *testing.F) {
	f.Add("1/A0")
	f.Fuzz(func(t *testing.T, s string) {
		if at, err := ParseLSN(s); err == nil {
			if again, err := ParseLSN(LSN(at)); again != at || err != nil {
				t.Errorf("%q is %x, and then %x", s, at, again)
			}
		}
	})
}
