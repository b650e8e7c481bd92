package route

import (
	"strings"
	"testing"
	"unsafe"
)

// play runs a conversation: each line is a target and a statement. A line may end with the transaction status that the
// server reports then (-> T), and ! before it when the statement failed; else the status follows from BEGIN and COMMIT.
// A line that ends with & is followed by the next one without an answer in between.
func play(t *testing.T, p *Policy, script string) {
	t.Helper()
	c := NewClassifier(Settings{IgnoreLeadingSpace: true})
	s := Session{Policy: p}
	env := Env{Catalog: known(t), StandardStrings: true, Encoding: EncodingUTF8}
	status := byte('I')
	for i, line := range strings.Split(strings.TrimSpace(script), "\n") {
		want, sql, _ := strings.Cut(strings.TrimSpace(line), " ")
		sql, pipelined := strings.CutSuffix(sql, " &")
		sql, reported, told := strings.Cut(sql, " -> ")
		reported, failed := strings.CutPrefix(reported, "!")
		env.Temp = s.Temp()
		v := c.Classify([]byte(sql), &env)
		if got := s.Decide(v, []byte(sql)); got.String() != want {
			t.Errorf("line %d: %s, want %s: %s", i+1, got, want, sql)
		}
		switch v.Class {
		case Begin:
			status = 'T'
		case Commit, Rollback, PrepareTransaction:
			if !v.Is(Chain) {
				status = 'I'
			}
		}
		if told {
			status = reported[0]
		}
		if !pipelined {
			s.Settle(status, failed)
		}
	}
}

func TestSession(t *testing.T) {
	for _, k := range []struct {
		name   string
		policy *Policy
		script string
	}{
		{"transaction", nil, `
			balance SELECT 1
			primary INSERT INTO t VALUES (1)
			balance SELECT 1
			all BEGIN
			balance SELECT 1
			primary UPDATE t SET id = 1
			primary SELECT 1
			all COMMIT
			balance SELECT 1`},
		{"a savepoint counts as a write", nil, `
			all BEGIN
			all SAVEPOINT s
			primary SELECT 1
			all ROLLBACK TO s
			primary SELECT 1
			all ROLLBACK
			balance SELECT 1`},
		{"a volatile function counts as a write", nil, `
			all BEGIN
			primary SELECT nextval('x')
			primary SELECT 1
			all END`},
		{"read only and read committed", nil, `
			all BEGIN READ ONLY
			balance SELECT 1
			all COMMIT AND CHAIN
			balance SELECT 1
			all COMMIT`},
		{"repeatable read that may write", nil, `
			all BEGIN ISOLATION LEVEL REPEATABLE READ
			primary SELECT 1
			all SET TRANSACTION READ ONLY
			primary SELECT 1
			all ROLLBACK AND CHAIN
			primary SELECT 1
			all ROLLBACK
			balance SELECT 1`},
		{"repeatable read, read only", nil, `
			all BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
			primary SELECT 1
			all COMMIT`},
		{"serializable", nil, `
			primary BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY
			primary SELECT 1
			all COMMIT
			all BEGIN
			primary SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
			primary SELECT 1
			all COMMIT
			balance SELECT 1`},
		{"serializable by default", nil, `
			primary SET default_transaction_isolation = 'serializable'
			primary SELECT 1
			all SET default_transaction_isolation = 'read committed'
			balance SELECT 1
			primary SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE
			all BEGIN
			all RESET default_transaction_isolation
			primary SELECT 1
			all ROLLBACK
			primary SELECT 1
			all RESET ALL -> !I
			primary SELECT 1
			all RESET ALL
			balance SELECT 1`},
		{"a transaction begun in secret", nil, `
			primary DO 'x' -> T
			primary SELECT 1
			all COMMIT
			balance SELECT 1`},
		{"a pipeline has written before its answer", nil, `
			primary INSERT INTO t VALUES (1) &
			primary SELECT 1
			balance SELECT 1`},
		{"off", &Policy{Stickiness: StickyOff}, `
			all BEGIN
			primary INSERT INTO t VALUES (1)
			balance SELECT 1
			all COMMIT`},
		{"trans_transaction", &Policy{Stickiness: StickyTransactions}, `
			primary INSERT INTO t VALUES (1)
			all BEGIN
			balance SELECT 1
			primary INSERT INTO t VALUES (1)
			primary SELECT 1
			all COMMIT
			balance SELECT 1
			all BEGIN
			primary SELECT 1
			all COMMIT
			balance SELECT 1`},
		{"always", &Policy{Stickiness: StickyAlways}, `
			balance SELECT 1
			primary INSERT INTO t VALUES (1)
			primary SELECT 1
			all BEGIN
			primary SELECT 1
			all COMMIT
			primary SELECT 1`},
		{"dml_adaptive", &Policy{Stickiness: DMLAdaptive, Related: related([]string{"users:orders", "fill():products"})}, `
			all BEGIN
			primary UPDATE ONLY public.t SET id = 1
			balance SELECT * FROM kw
			primary SELECT * FROM "t"
			primary SELECT * FROM kw, T
			primary INSERT INTO users VALUES (1)
			primary SELECT * FROM orders
			balance SELECT * FROM products
			all SAVEPOINT s
			balance SELECT * FROM products
			primary INSERT INTO kw SELECT fill()
			primary SELECT * FROM products
			all COMMIT
			balance SELECT * FROM t
			all BEGIN
			primary TRUNCATE t, kw
			primary SELECT * FROM kw
			balance SELECT * FROM users
			primary DELETE FROM users USING t
			primary SELECT * FROM users
			primary SELECT nextval('x')
			primary SELECT * FROM addresses
			all ROLLBACK`},
		{"temporary relations", nil, `
			primary CREATE TEMP TABLE T (id int)
			primary SELECT * FROM t
			balance SELECT * FROM kw
			primary ALTER TABLE t RENAME TO kw
			primary SELECT * FROM kw
			primary SELECT 1 INTO TEMP users
			primary SELECT * FROM users
			all DISCARD ALL -> !I
			primary SELECT * FROM users
			all DISCARD ALL &
			primary CREATE TEMP TABLE users (id int)
			primary SELECT * FROM users
			all DISCARD ALL
			balance SELECT * FROM t, kw, users`},
		{"reading a temporary relation is no write", nil, `
			all BEGIN
			primary CREATE TEMP TABLE x (id int)
			all COMMIT
			all BEGIN
			primary SELECT * FROM x
			balance SELECT 1
			all COMMIT`},
		{"untracked", nil, `
			balance SELECT 1
			primary SELECT set_config('a', 'b', false)
			primary SELECT 1
			all DISCARD ALL
			balance SELECT 1
			all BEGIN
			primary SELECT set_config('a', 'b', true)
			primary SELECT 1
			all COMMIT
			balance SELECT 1`},
		{"set_config counts with load balancing after writes, too", &Policy{Stickiness: StickyOff}, `
			all BEGIN
			primary SELECT set_config('a', 'b', true)
			primary SELECT 1
			all COMMIT
			balance SELECT 1`},
		{"prepared statements", nil, `
			primary EXECUTE p
			all PREPARE p AS SELECT 1
			balance EXECUTE P
			primary EXECUTE "P"
			primary EXECUTE p(nextval('x'))
			primary PREPARE w AS INSERT INTO t VALUES (1)
			primary EXECUTE w
			all PREPARE w AS SELECT 1 -> !I
			primary EXECUTE w
			primary DEALLOCATE w
			all DEALLOCATE p
			primary EXECUTE p
			primary DEALLOCATE p
			all PREPARE p AS SELECT 1
			all BEGIN
			balance EXECUTE p
			primary EXECUTE w
			primary EXECUTE p
			all COMMIT
			balance EXECUTE p
			all DEALLOCATE ALL
			primary EXECUTE p`},
	} {
		t.Run(k.name, func(t *testing.T) { play(t, k.policy, k.script) })
	}
}

// TestSessionIsSmall: thousands of idle sessions must not cost much.
func TestSessionIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Session{}); size > 40 {
		t.Errorf("%d bytes", size)
	}
}

// TestSessionIsBounded: a client cannot make its session grow without end, and what is not kept is on the primary.
func TestSessionIsBounded(t *testing.T) {
	var s Session
	for i := range maxRemembered + 10 {
		name := []byte("n" + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + strings.Repeat("y", i/1300))
		s.Decide(Verdict{Class: DDL, Flags: Temp | Writes, NameEnd: uint32(len(name))}, name)
		s.addTemp(string(name) + "_" + string(rune(i+256)))
	}
	if s.temp.Len() > maxRemembered {
		t.Errorf("%d names", s.temp.Len())
	}
	l := lexer{src: []byte("never_seen"), pos: 10}
	if !s.temp.has(&l, tokWord) {
		t.Error("a name that may have been forgotten is not taken for a temporary one")
	}
}

// TestDecideWithoutText: a caller that has no text gets the cautious answer.
func TestDecideWithoutText(t *testing.T) {
	s := Session{Policy: &Policy{Stickiness: DMLAdaptive}}
	s.Decide(Verdict{Target: Primary, Class: Write, Flags: Writes, NameEnd: 5}, nil)
	for _, v := range []Verdict{
		{Target: Balance, Class: Read}, {Target: Balance, Class: Execute, NameEnd: 5}, {Target: Primary, Class: DDL, Flags: Temp | Writes, NameEnd: 3},
		{Target: All, Class: Deallocate, NameAt: 1, NameEnd: 5},
	} {
		if got := s.Decide(v, nil); got != Primary {
			t.Errorf("%s %s", got, v.Class)
		}
	}
}
