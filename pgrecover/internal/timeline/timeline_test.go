package timeline

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	h, err := Parse(7, "1\t0/3000128\tno recovery target specified\n\n# a comment\n3\t1/A\tbefore 2000-01-01 00:00:00\n")
	want := History{7, []Switch{{1, 0x3000128}, {3, 1<<32 | 10}}}
	if err != nil || !reflect.DeepEqual(h, want) {
		t.Errorf("%+v, %v", h, err)
	}
	if end, none, known := h.End(3); end != 1<<32|10 || none || !known {
		t.Errorf("timeline 3: %x %v %v", end, none, known)
	}
	if _, none, known := h.End(7); !none || !known {
		t.Error("timeline 7 has an end")
	}
	if _, _, known := h.End(2); known {
		t.Error("timeline 2 is known")
	}
	if h, err := Parse(1, ""); err != nil || len(h.Past) != 0 {
		t.Errorf("timeline 1: %+v, %v", h, err)
	}
	if got := LSN(1<<32 | 0xA0); got != "1/A0" {
		t.Error(got)
	}
}

func TestNotParsed(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "is empty",
		"x\t0/1\n":             "has the line",
		"1\t0\n":               "has the line",
		"3\t0/1\n":             "not in order",
		"2\t0/9\n1\t0/8\n":     "not in order",
		"1\t0/9\n2\t0/8\n":     "not in order",
		"1\t0/100000000\n":     "has the line",
		"4294967296\t0/1\tx\n": "has the line",
	} {
		if h, err := Parse(3, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v", text, h, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(uint32(3), "1\t0/3000128\tno recovery target specified\n2\t0/4000000\tx\n")
	f.Fuzz(func(t *testing.T, id uint32, text string) {
		h, err := Parse(id, text)
		if err != nil {
			return
		}
		for _, s := range h.Past {
			if end, none, known := h.End(s.Timeline); end != s.End || none || !known {
				t.Errorf("%q: timeline %d ends at %x, and End says %x", text, s.Timeline, s.End, end)
			}
		}
	})
}
