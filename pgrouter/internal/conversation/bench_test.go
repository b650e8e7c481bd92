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
	memory     *route.Memory
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
	return w.classifier.Classify(sql, &w.env)
}
func (w *stillWorld) ClassifyParse(sql []byte, env *Env) route.Verdict {
	return w.memory.Classify(w.classifier, sql, &w.env)
}

func still() (*stillWorld, *Session) {
	w := &stillWorld{classifier: route.NewClassifier(route.Settings{}), memory: route.NewMemory()}
	w.env = route.Env{Catalog: route.Lenient(nil, nil, nil), StandardStrings: true, Encoding: route.EncodingUTF8}
	s := New(w)
	s.Adopt(NewServer(0, nil))
	s.Adopt(NewServer(1, nil))
	return w, s
}

// pgbench is the SELECT of pgbench -S, and orm what an object-relational mapper makes of a simple question.
const (
	pgbench = "SELECT abalance FROM pgbench_accounts WHERE aid = $1;"
	orm     = `SELECT "users"."id" AS t0_r0, "users"."email" AS t0_r1, "users"."name" AS t0_r2, "orders"."id" AS t1_r0, ` +
		`"orders"."total" AS t1_r1, "orders"."created_at" AS t1_r2 FROM "users" LEFT OUTER JOIN "orders" ON "orders"."user_id" = "users"."id" ` +
		`WHERE "users"."active" = $1 AND "users"."tenant_id" IN ($2, $3) AND "orders"."state" = 'paid' ` +
		`ORDER BY "orders"."created_at" DESC, "users"."id" LIMIT $4`
)

// rounds are a client's request and a server's answer to it, in the ways in which a statement is sent.
func rounds() map[string][2][]byte {
	answer := join(message('T', "\x00\x01abalance\x00\x00\x00\x40\x01\x00\x03\x00\x00\x00\x17\x00\x04\xff\xff\xff\xff\x00\x00"),
		message('D', "\x00\x01\x00\x00\x00\x010"), message('C', "SELECT 1\x00"), idle)
	const sql = "SELECT 1"
	extended := func(sql string) [2][]byte {
		return [2][]byte{join(parse("", sql), bind("", ""), describe('P', ""), execute(""), syncs), join(parsed, bound, answer)}
	}
	return map[string][2][]byte{
		"simple":   {query(sql), answer},
		"extended": extended(sql),
		"pgbench":  extended(pgbench),
		"orm":      extended(orm),
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
		for range 2 { // the memory of verdicts keeps what comes twice
			s.FromClient(r[0])
			s.FromServer(s.active, r[1])
		}
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
