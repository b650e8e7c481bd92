package conversation

import (
	"testing"
)

func TestReadsAndWritesGoTheirWays(t *testing.T) {
	w := newFake(t)
	w.client(query("SELECT 1"))
	w.want("attach 1")
	w.attach(1)
	w.want("1 > Q:SELECT 1")
	w.server(1, rowOK, idle)
	w.want("client < D\"\\x00\\x00\" C ZI")
	w.client(query("INSERT"))
	w.want("attach 0")
	w.attach(0)
	w.want("0 > Q:INSERT")
	w.server(0, done, idle)
	w.want("client < C ZI")
	w.client(query("SELECT 2"))
	w.want("1 > Q:SELECT 2")
}

func TestAnswersKeepTheirOrder(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(query("SELECT 1"), query("INSERT"), query("SELECT 2"))
	w.want("1 > Q:SELECT 1") // the INSERT waits: its answer must come second
	w.server(1, rowOK, idle)
	w.want("client < D\"\\x00\\x00\" C ZI", "0 > Q:INSERT", "0 > Q:SELECT 2") // behind the primary's work the primary is right
	w.server(0, done, idle, rowOK, idle)
	w.want("client < C ZI", "client < D\"\\x00\\x00\" C ZI")
	w.client(query("SELECT 3"))
	w.want("1 > Q:SELECT 3")
}

func TestTransactionJoinsTheStandbyWhenItReads(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(query("BEGIN"))
	w.want("0 > Q:BEGIN")
	w.server(0, done, inTx)
	w.want("client < C ZT")
	w.client(query("SELECT 1"))
	w.want("1 > Q:BEGIN")
	w.server(1, done, inTx)
	w.want("1 > Q:SELECT 1")
	w.server(1, rowOK, inTx)
	w.want("client < D\"\\x00\\x00\" C ZT")
	w.client(query("COMMIT"))
	w.want("0 > Q:COMMIT")
	w.server(0, done, idle)
	w.want("client < C ZI", "1 > Q:ROLLBACK")
	w.client(query("SELECT 2"))
	w.want() // the standby is still ending its part
	w.server(1, done, idle)
	w.want("1 > Q:SELECT 2")
}

func TestErrorOnTheStandbyFailsTheTransaction(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(query("BEGIN"))
	w.server(0, done, inTx)
	w.client(query("SELECT 1/0"))
	w.server(1, done, inTx)
	w.server(1, fault("22012"), failed)
	w.log = nil
	w.client(query("INSERT"))
	w.want("1 > Q:INSERT") // where the transaction failed, 25P02 is the server's own answer
	w.server(1, fault("25P02"), failed)
	w.client(query("COMMIT"))
	w.log = nil
	w.server(1, done, idle)
	w.want("client < C ZI", "0 > Q:ROLLBACK")
}

func TestSettingsFollowToTheOtherServer(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(query("SET a = 1"))
	w.server(0, done, idle)
	w.client(query("SET a = 2"))
	w.server(0, done, idle)
	w.log = nil
	w.client(query("SELECT 1"))
	w.want("1 > Q:SET a = 2") // only the last of a name
	w.server(1, done, idle)
	w.want("1 > Q:SELECT 1")
	w.server(1, rowOK, idle)
	w.client(query("SELECT 2"))
	w.want("client < D\"\\x00\\x00\" C ZI", "1 > Q:SELECT 2")
}

func TestSettingsOfARolledBackTransactionDoNot(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(query("BEGIN"))
	w.server(0, done, inTx)
	w.client(query("SET a = 1"))
	w.server(0, done, inTx)
	w.client(query("SAVEPOINT x"))
	w.server(0, done, inTx)
	w.client(query("SET b = 1"))
	w.server(0, done, inTx)
	w.client(query("ROLLBACK TO x"))
	w.server(0, done, inTx)
	w.log = nil
	w.client(query("SELECT 1"))
	w.want("0 > Q:SELECT 1") // what was set is only here
	w.server(0, rowOK, inTx)
	w.client(query("COMMIT"))
	w.server(0, done, idle)
	w.log = nil
	w.client(query("SELECT 2"))
	w.want("1 > Q:SET a = 1")
	w.server(1, done, idle)
	w.server(1, rowOK, idle)
	w.log = nil
	w.client(query("BEGIN"))
	w.server(0, done, inTx)
	w.client(query("SET c = 1"))
	w.server(0, done, inTx)
	w.client(query("ROLLBACK"))
	w.server(0, done, idle)
	w.log = nil
	w.client(query("SELECT 3"))
	w.want("1 > Q:SELECT 3")
}

func TestPreparedStatementFollows(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(parse("p", "SELECT 1"), describe('S', "p"), syncs)
	w.want("1 > P:p|SELECT 1 D:Sp S")
	w.server(1, parsed, message('t', "\x00\x00"), message('n', ""), idle)
	w.want("client < 1 t n ZI")
	w.client(query("BEGIN"))
	w.server(0, done, inTx)
	w.client(query("INSERT"))
	w.server(0, done, inTx)
	w.s.here = true
	w.log = nil
	w.client(bind("", "p"), execute(""), syncs)
	w.want("0 > C:Sp P:p|SELECT 1 S")
	w.server(0, closed, parsed, inTx)
	w.want("0 > B:|p E: S")
	w.server(0, bound, rowOK, inTx)
	w.want("client < 2 D\"\\x00\\x00\" C ZT")
}

func TestParseThatFailedIsForgotten(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(parse("good", "SELECT 1"), parse("bad", "SELECT x"), parse("after", "SELECT 2"), syncs)
	w.server(1, parsed, fault("42703"), idle)
	for name, want := range map[string]bool{"good": true, "bad": false, "after": false} {
		if (w.s.stmts[name] != nil) != want {
			t.Errorf("statement %q known: %v", name, !want)
		}
	}
}

func TestCopyInOfTheExtendedProtocolSwallowsTheSync(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.client(parse("", "COPY t FROM STDIN"), bind("", ""), execute(""), syncs)
	w.want("0 > P:|COPY t FROM STDIN B: E: S")
	w.server(0, parsed, bound, copyIn)
	w.want("client < 1 2 G")
	w.client(message('d', "row"), message('c', ""), syncs)
	w.want("0 > d", "0 > c", "0 > S")
	w.server(0, done, idle)
	w.want("client < C ZI")
	if w.s.Busy() {
		t.Fatal("still busy after COPY")
	}
}

func TestFlushAfterDescribeIsAReadToo(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(parse("p", "SELECT 1"), describe('S', "p"), flush)
	w.want("1 > P:p|SELECT 1 D:Sp", "1 > S")
	w.server(1, parsed, message('t', "\x00\x00"), idle)
	w.want("client < 1 t")
	w.client(bind("", "p"), execute(""), syncs)
	w.want("1 > B:|p E: S")
}

func TestErrorBeforeFlushSkipsToSync(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(parse("p", "SELECT x"), flush)
	w.server(1, fault("42703"), idle)
	w.log = nil
	w.client(bind("", "p"), execute(""))
	w.want()
	w.client(syncs)
	w.want("client < ZI")
}

func TestStandbyThatIsGoneIsNotMissed(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(query("SELECT 1"))
	w.server(1, rowOK, idle)
	w.log = nil
	if !w.s.Lost(w.s.Server(1)) {
		t.Fatal("an idle session was ended")
	}
	w.client(query("SELECT 2"))
	w.want("attach 1")
	w.s.AttachFailed(1, nil, nil)
	w.run()
	w.want("0 > Q:SELECT 2")
}

func TestStandbyLostInAReadIsAnErrorAndNoMore(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(query("SELECT 1"))
	w.log = nil
	w.s.Lost(w.s.Server(1))
	w.want("client < E:08006 ZI")
	w.reader = 0
	w.client(query("SELECT 2"))
	w.want("0 > Q:SELECT 2")
}

func TestEndResetsOrDrops(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.s.Adopt(NewServer(1, nil))
	w.client(query("BEGIN"))
	w.server(0, done, inTx)
	w.s.here = true
	w.client(end)
	w.log = nil
	w.s.End([]string{"ABORT", "DISCARD ALL"})
	w.want("0 > Q:ABORT Q:DISCARD ALL", "1 > Q:DISCARD ALL")
	w.s.FromServer(w.s.Server(1), append(done, idle...))
	w.s.FromServer(w.s.Server(0), append(append(append(done, idle...), done...), idle...))
	w.want("released 1", "released 0")

	w = newFake(t)
	w.s.Adopt(NewServer(1, nil))
	w.client(query("SELECT 1"))
	w.log = nil
	w.s.End([]string{"DISCARD ALL"})
	w.want("drop 1")
}

func TestLocalStatements(t *testing.T) {
	w := newFake(t)
	w.client(query("SHOW pool_nodes"))
	w.want("answer Q:SHOW pool_nodes")
	w.s.Answered(rowOK, false)
	w.want("client < D\"\\x00\\x00\" C ZI")
	w.run()
	w.client(parse("", "SHOW pool_nodes"), describe('S', ""), syncs)
	w.want("answer P:|SHOW pool_nodes D:S")
}

func TestTerminateBehindAStatementWaitsForIt(t *testing.T) {
	w := newFake(t)
	w.s.Adopt(NewServer(0, nil))
	w.client(query("INSERT"), end)
	w.want("0 > Q:INSERT")
	w.server(0, done, idle)
	w.want("client < C ZI", "close")
}
