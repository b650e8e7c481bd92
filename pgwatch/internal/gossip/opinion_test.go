package gossip

import (
	"reflect"
	"testing"

	"github.com/hashicorp/memberlist"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func TestOpinionIsReadAsWritten(t *testing.T) {
	every := Opinion{Leads, map[int]report.Health{}}
	all := []report.Health{report.Well, report.Starting, report.Stopping, report.Full, report.Denied, report.Refused, report.Silent, report.Unseen}
	for id := 0; id <= config.MaxNode; id++ {
		every.Backends[id] = all[id%len(all)]
	}
	for _, c := range []struct {
		o    Opinion
		text string
	}{
		{Opinion{Votes, map[int]report.Health{}}, "1W"},
		{Opinion{Leads, map[int]report.Health{0: report.Well, 1: report.Refused}}, "1L0w1r"},
		{Opinion{Follows, map[int]report.Health{12: report.Silent}}, "1F12x"},
		{every, ""},
	} {
		b := c.o.encode(memberlist.MetaMaxSize)
		if c.text != "" && string(b) != c.text {
			t.Errorf("%v is written %q, not %q", c.o, b, c.text)
		}
		if got := decode(b); !reflect.DeepEqual(got, c.o) {
			t.Errorf("%q: %v, not %v", b, got, c.o)
		}
	}
	if n := len(every.encode(memberlist.MetaMaxSize)); n < 400 || n > memberlist.MetaMaxSize {
		t.Errorf("all servers take %d bytes", n)
	}
	if b := every.encode(10); len(b) > 10 || len(decode(b).Backends) == 0 {
		t.Errorf("within 10 bytes: %q", b)
	}
}

// What another version, or nobody we know, has written is read as far as it can be.
func TestStrangeOpinions(t *testing.T) {
	for text, servers := range map[string]int{"": 0, "1": 0, "2L0w": 0, "1?0w": 1, "1L0?1w": 1, "1Lw": 0, "1L0w1": 1, "1L999w1w": 0, "1L99999999999999999999w": 0, "1L0w\xff": 1} {
		if got := decode([]byte(text)); len(got.Backends) != servers {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("1L0w1r127x"))
	f.Add([]byte("1W\xff0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := decode(b)
		if o.Role == "" {
			o.Role = Follows
		}
		if again := decode(o.encode(memberlist.MetaMaxSize)); !reflect.DeepEqual(again, o) {
			t.Errorf("%q: %v, then %v", b, o, again)
		}
	})
}
