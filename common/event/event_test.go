package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

func clock() (time.Duration, time.Time) {
	return 81234567 * time.Millisecond, time.Date(2026, 1, 1, 11, 0, 0, 120e6, time.FixedZone("", 3600))
}

// lines counts calls of Write, which must be whole lines.
type lines struct {
	text string
	n    int
}

func (l *lines) Write(p []byte) (int, error) {
	l.text += string(p)
	l.n++
	return len(p), nil
}

func TestWriter(t *testing.T) {
	var out lines
	w := NewWriter(&out, Origin{"lab", "b", "6e0c"}, clock)
	zero := int64(0)
	for _, d := range []Payload{Hello{VMin: 1, VMax: 1, TickMS: 250, LeaseMS: 1000}, Backend{ID: 1, State: "up", LagBytes: &zero}, VIPUp{VIPReport{Addr: "192.0.2.1"}}} {
		if err := w.Write(d, At{Epoch: 12}); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"v":1,"type":"hello","seq":1,"epoch":12,"cluster":"lab","node":"b","boot":"6e0c","mono_ms":81234567,"ts":"2026-01-01T10:00:00.120Z","d":{"v_min":1,"v_max":1,"tick_ms":250,"lease_ms":1000}}
{"v":1,"type":"backend","seq":2,"epoch":12,"cluster":"lab","node":"b","boot":"6e0c","mono_ms":81234567,"ts":"2026-01-01T10:00:00.120Z","d":{"id":1,"state":"up","lag_bytes":0}}
{"v":1,"type":"vip.up","seq":3,"epoch":12,"cluster":"lab","node":"b","boot":"6e0c","mono_ms":81234567,"ts":"2026-01-01T10:00:00.120Z","d":{"addr":"192.0.2.1"}}
`
	if out.text != want || out.n != 3 {
		t.Errorf("wrote in %d calls\n%swant\n%s", out.n, out.text, want)
	}

	if err := w.Write(Log{Msg: strings.Repeat("x", MaxLine)}, At{}); err == nil || out.n != 3 {
		t.Errorf("a line that is too long: %v, %d calls", err, out.n)
	}
	if err := w.Write(Bye{}, At{}); err != nil || !strings.Contains(out.text, `"type":"bye","seq":4`) {
		t.Errorf("the number of a line that was not written is lost: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWriterBreaks(t *testing.T) {
	w := NewWriter(full{}, Origin{}, clock)
	first := w.Write(Bye{}, At{})
	if second := w.Write(Bye{}, At{}); first == nil || first != second {
		t.Errorf("got %v, then %v; want the same error", first, second)
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"words", "{\"type\":\"bye\"}\nhello\n", "line 2: this is no JSON object"},
		{"empty line", "\n", "line 1: this is no JSON object"},
		{"null", "null\n", "line 1: this is no JSON object"},
		{"array", "[{\"type\":\"bye\"}]\n", "line 1: this is no JSON object"},
		{"half a line", `{"type":"b`, "line 1: this is no event: unexpected end of JSON input"},
		{"two on a line", `{"type":"bye"}{"type":"bye"}`, "line 1: this is no event: invalid character '{' after top-level value"},
		{"no type", "{}\n", "line 1: this event has no type"},
		{"type is null", `{"type":null}`, "line 1: this event has no type"},
		{"number for a type", `{"type":3}`, "line 1: this is no event: json: cannot unmarshal number into Go struct field Event.type of type string"},
		{"negative number", `{"type":"bye","seq":-1}`, "line 1: this is no event: json: cannot unmarshal number -1 into Go struct field Event.seq of type uint64"},
		{"other version", `{"v":2,"type":"bye"}`, "line 1: this event has version 2, only 1 is understood"},
		{"too long", `{"type":"bye","x":"` + strings.Repeat("x", MaxLine) + `"}`, "line 1: more than 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(strings.NewReader(c.text))
			var err error
			for err == nil {
				_, err = r.Next()
			}
			if err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("then %v, want the same again", again)
			}
		})
	}
}

func TestReader(t *testing.T) {
	r := NewReader(strings.NewReader(`{"type":"tick","seq":7,"colour":"blue","d":{"quorum":"full","serve":{"epoch":3,"ttl_ms":900},"shape":1}}
{"type":"weather","seq":8}
{"type":"quorum","seq":9,"d":{}}
{"type":"weather","seq":11}
{"type":"bye","seq":12}`))
	e, err := r.Next()
	if err != nil || r.Gap() {
		t.Fatalf("%v, gap %v", err, r.Gap())
	}
	tick, err := Decode[Tick](e)
	if want := (Tick{Quorum: QuorumFull, Serve: &Serve{Epoch: 3, TTLMS: 900}}); err != nil || !reflect.DeepEqual(tick, want) {
		t.Errorf("got %+v, %v, want %+v", tick, err, want)
	}
	if _, err := Decode[Hello](e); err == nil {
		t.Error("a tick was read as a hello")
	}
	if e, err = r.Next(); err != nil || e.Type != TypeQuorum || r.Gap() || r.Unknown() != 1 {
		t.Errorf("got %v, %v, gap %v, %d unknown", e, err, r.Gap(), r.Unknown())
	}
	if e, err = r.Next(); err != nil || e.Type != TypeBye || !r.Gap() || r.Unknown() != 2 || r.Line() != 5 {
		t.Errorf("got %v, %v, gap %v, %d unknown, line %d", e, err, r.Gap(), r.Unknown(), r.Line())
	}
	if _, err := Decode[Bye](e); err == nil {
		t.Error("an event without d was decoded")
	}
	if _, err = r.Next(); err != io.EOF {
		t.Errorf("got %v at the end", err)
	}

	// Lines written by hand carry no numbers.
	r = NewReader(strings.NewReader("{\"type\":\"bye\"}\n{\"type\":\"bye\"}\n"))
	for range 2 {
		if _, err := r.Next(); err != nil || r.Gap() {
			t.Errorf("without numbers: %v, gap %v", err, r.Gap())
		}
	}
}

// Every payload has a known type, and comes back as it went.
func TestPayloads(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range []Payload{Hello{}, Snapshot{}, Resync{}, Tick{}, Leader{}, Quorum{}, Node{}, Backend{}, PrimaryLost{}, Failover{}, Primary{}, Fence{}, FenceAck{},
		VIPGrant{}, VIPRevoke{}, VIPUp{}, VIPDown{}, VIPConflict{}, PromoteDone{}, Recover{}, DataDiscarded{}, SplitBrain{}, Config{}, Pause{}, Log{}, Bye{}} {
		var out bytes.Buffer
		if err := NewWriter(&out, Origin{}, clock).Write(d, At{}); err != nil {
			t.Fatal(err)
		}
		e, err := NewReader(&out).Next()
		if err != nil || !known[d.EventType()] || seen[e.Type] {
			t.Errorf("%T: type %q is not known, or stands twice (%v)", d, d.EventType(), err)
			continue
		}
		seen[e.Type] = true
		back := reflect.New(reflect.TypeOf(d))
		if err := json.Unmarshal(e.D, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), d) {
			t.Errorf("%T came back as %+v (%v)", d, back.Elem(), err)
		}
	}
	if len(seen) != len(known) {
		t.Errorf("%d payloads for %d types", len(seen), len(known))
	}
}

func TestAge(t *testing.T) {
	e := Event{Boot: "x", MonoMS: 1000}
	for _, c := range []struct {
		name  string
		boot  string
		since time.Duration
		age   time.Duration
		ok    bool
	}{
		{"another boot", "y", 2 * time.Second, 0, false},
		{"boot not known", "", 2 * time.Second, 0, false},
		{"from the future", "x", 999 * time.Millisecond, 0, false},
		{"old", "x", 3500 * time.Millisecond, 2500 * time.Millisecond, true},
		{"new", "x", time.Second, 0, true},
	} {
		if age, ok := e.Age(c.boot, c.since); age != c.age || ok != c.ok {
			t.Errorf("%s: %v, %v", c.name, age, ok)
		}
	}
	if _, ok := (Event{Boot: "x", MonoMS: -1}).Age("x", time.Second); ok {
		t.Error("a time before the boot has an age")
	}

	boot, err := BootID()
	if err != nil || len(boot) != 36 {
		t.Errorf("boot id %q, %v", boot, err)
	}
	before, _ := SystemClock()
	if after, now := SystemClock(); before <= 0 || after < before || time.Since(now) > time.Hour {
		t.Errorf("the clock went from %v to %v at %v", before, after, now)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(`{"v":1,"type":"tick","seq":1042,"idx":317,"term":7,"epoch":12,"cluster":"lab","node":"b","boot":"6e0c","mono_ms":1,"ts":"2026-01-01T10:00:00.123Z","d":{}}` + "\n"))
	f.Add([]byte("{\"type\":\"bye\",\"d\":null}\r\n{\"type\":\"new\"}\n"))
	f.Add([]byte("{\"type\":\"primary\",\"ts\":null,\"d\":[{}]}\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := NewReader(bytes.NewReader(text))
		for {
			e, err := r.Next()
			if err != nil {
				return
			}
			line, err := json.Marshal(e)
			if err != nil {
				t.Fatalf("%+v cannot be written: %v", e, err)
			}
			again, err := parse(line)
			if err != nil {
				t.Fatalf("%s cannot be read again: %v", line, err)
			}
			if second, _ := json.Marshal(again); !bytes.Equal(line, second) {
				t.Fatalf("%s became %s", line, second)
			}
		}
	})
}
