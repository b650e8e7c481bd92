package e2e

import "testing"

// TestDeallocateOfAProtocolStatement: DEALLOCATE takes statements that a Parse message has made, too. Drivers on a libpq
// before 17 have no other way to give one up.
func TestDeallocateOfAProtocolStatement(t *testing.T) {
	s := start(t, shared(t), reads).raw(t)
	s.send(t, parse("SELECT 'again'", "moves"), bind("moves"), execute(), syncNow())
	s.receive(t, "parse", "ParseComplete", "BindComplete", "row again", "done SELECT 1", "ready I")
	s.send(t, query("DEALLOCATE moves"))
	s.receive(t, "deallocate", "done DEALLOCATE", "ready I")
	s.send(t, bind("moves"), execute(), syncNow())
	s.receive(t, "deallocated", "error 26000", "ready I")
	s.send(t, parse("SELECT 'new'", "moves"), bind("moves"), execute(), syncNow())
	s.receive(t, "parsed again", "ParseComplete", "BindComplete", "row new", "done SELECT 1", "ready I")
}

// TestExecuteOfAProtocolStatement: SQL's EXECUTE finds statements that a Parse message has made.
func TestExecuteOfAProtocolStatement(t *testing.T) {
	s := start(t, shared(t), reads).raw(t)
	s.send(t, parse("SELECT 'again'", "either"), syncNow())
	s.receive(t, "parse", "ParseComplete", "ready I")
	s.send(t, query("EXECUTE either"))
	s.receive(t, "execute", "columns 1", "row again", "done SELECT 1", "ready I")
}

// TestBindOfASQLStatement: a Bind message finds statements that SQL's PREPARE has made.
func TestBindOfASQLStatement(t *testing.T) {
	s := start(t, shared(t), reads).raw(t)
	s.send(t, query("PREPARE either AS SELECT 'again'"))
	s.receive(t, "prepare", "done PREPARE", "ready I")
	s.send(t, bind("either"), execute(), syncNow())
	s.receive(t, "bind", "BindComplete", "row again", "done SELECT 1", "ready I")
}

// TestRepeatableReadReadOnlyMoves: what a transaction has seen may not change because a later statement of it needs
// the primary.
func TestRepeatableReadReadOnlyMoves(t *testing.T) {
	c := shared(t)
	c.exec(t, "CREATE TABLE moves_snapshot (id int)")
	t.Cleanup(func() { c.exec(t, "DROP TABLE moves_snapshot") })
	p := start(t, c, reads).connect(t)
	simple(t, p, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	before := simple(t, p, "SELECT count(*) FROM moves_snapshot")
	c.exec(t, "INSERT INTO moves_snapshot VALUES (1)")
	want(t, "the same by a volatile statement", simple(t, p, "SELECT count(*) FROM moves_snapshot WHERE forced()"), before)
	simple(t, p, "COMMIT")
}

// TestDropDatabase: server connections that wait in the pool do not keep a database from being dropped.
func TestDropDatabase(t *testing.T) {
	r := start(t, shared(t), reads)
	r.psql(t, "CREATE DATABASE e2e_drop;\n\\connect e2e_drop\nSELECT 1;\nCREATE TABLE x ();\n\\connect postgres\nDROP DATABASE e2e_drop;\n")
}

// TestTemporaryTablesLeaveReadsAlone: a session that makes temporary tables all the time does not send the reads of all
// others to the primary.
func TestTemporaryTablesLeaveReadsAlone(t *testing.T) {
	needRouter(t)
	c := shared(t)
	r := start(t, c, reads)
	maker, reader := r.connect(t), r.connect(t)
	for i := range 20 {
		simple(t, maker, "CREATE TEMP TABLE made (i int)")
		simple(t, maker, "DROP TABLE made")
		if server := c.server(simple(t, reader, "SELECT node()")); server != "standby" {
			t.Fatalf("round %d: a read of another session ran on %s", i, server)
		}
	}
}
