package conversation

import (
	"testing"

	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A stillWorld does nothing, so that what is measured is the conversation.
type stillWorld struct {
	fakeWorld
	classifier *route.Classifier
	env        route.Env
}

func (w *stillWorld) ToClient([]byte)           {}
func (w *stillWorld) ToServer(*Server, []byte)  {}
func (w *stillWorld) Retry()                    {}
func (w *stillWorld) PrimaryNode() int          { return 0 }
func (w *stillWorld) ReadNode() int             { return 1 }
func (w *stillWorld) IsLocal([]byte) bool       { return false }
func (w *stillWorld) OwnsStatement([]byte) bool { return false }
func (w *stillWorld) Classify(sql []byte, env *Env) route.Verdict {
	w.env.StandardStrings = true
	return w.classifier.Classify(sql, &w.env)
}

func still() (*stillWorld, *Session) {
	w := &stillWorld{classifier: route.NewClassifier(route.Settings{})}
	s := New(w)
	s.Adopt(NewServer(0, nil))
	s.Adopt(NewServer(1, nil))
	return w, s
}

// rounds are a client's request and a server's answer to it, in the three ways in which a statement is sent.
func rounds() map[string][2][]byte {
	answer := join(message('T', "\x00\x01abalance\x00\x00\x00\x40\x01\x00\x03\x00\x00\x00\x17\x00\x04\xff\xff\xff\xff\x00\x00"),
		message('D', "\x00\x01\x00\x00\x00\x010"), message('C', "SELECT 1\x00"), idle)
	const sql = "SELECT 1"
	return map[string][2][]byte{
		"simple":   {query(sql), answer},
		"extended": {join(parse("", sql), bind("", ""), describe('P', ""), execute(""), syncs), join(parsed, bound, answer)},
		"prepared": {join(bind("", "p"), describe('P', ""), execute(""), syncs), join(bound, answer)},
	}
}

func BenchmarkRound(b *testing.B) {
	for name, r := range rounds() {
		b.Run(name, func(b *testing.B) {
			_, s := still()
			s.FromClient(join(parse("p", "SELECT 1"), syncs))
			s.FromServer(s.Active(), join(parsed, idle))
			b.ReportAllocs()
			for b.Loop() {
				s.FromClient(r[0])
				s.FromServer(s.active, r[1])
			}
		})
	}
}

// The way of a statement through an established session must not allocate: it is the hot path.
func TestRoundAllocatesNothing(t *testing.T) {
	for name, r := range rounds() {
		_, s := still()
		s.FromClient(join(parse("p", "SELECT 1"), syncs))
		s.FromServer(s.Active(), join(parsed, idle))
		if n := testing.AllocsPerRun(100, func() {
			if used := s.FromClient(r[0]); used != len(r[0]) {
				t.Fatalf("%s: %d of %d bytes were used", name, used, len(r[0]))
			}
			s.FromServer(s.active, r[1])
		}); n != 0 {
			t.Errorf("%s: %v allocations a round", name, n)
		}
		if s.status != wire.Idle || s.Busy() {
			t.Errorf("%s: the session is busy", name)
		}
	}
}
