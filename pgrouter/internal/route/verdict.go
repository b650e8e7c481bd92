package route

// Target is where a statement may run.
type Target uint8

const (
	Primary Target = iota // only on the primary; the zero value, so that forgetting to decide is safe
	Balance               // on any server that may read
	All                   // on every server the session is attached to; on the others before their first use
	Local                 // answered by pgrouter itself
)

// String gives the word that explain prints.
func (t Target) String() string { return word(targetWords[:], int(t)) }

var targetWords = [...]string{"primary", "balance", "all", "local"}

// Class is the kind of a statement, as far as a router has to know it.
type Class uint8

const (
	Unknown            Class = iota // nothing that is recognised
	Empty                           // no statement at all: blanks, comments, semicolons
	Multi                           // more than one statement; see NextStatement
	Read                            // SELECT, VALUES, TABLE, WITH; whether it may be balanced is the Target
	Write                           // INSERT, UPDATE, DELETE, MERGE, COPY to a program, REINDEX, ...
	DDL                             // CREATE, ALTER, DROP, GRANT, ...: catalog snapshots are old after it
	Begin                           // BEGIN, START TRANSACTION
	Commit                          // COMMIT, END
	Rollback                        // ROLLBACK, ABORT
	Savepoint                       // SAVEPOINT name
	Release                         // RELEASE SAVEPOINT name
	RollbackTo                      // ROLLBACK TO SAVEPOINT name
	PrepareTransaction              // PREPARE TRANSACTION; the transaction is over after it
	TwoPhase                        // COMMIT PREPARED, ROLLBACK PREPARED
	Set                             // SET name: lasts for the session, undone by a rollback
	SetLocal                        // SET LOCAL, SET CONSTRAINTS: lasts for the transaction
	SetTransaction                  // SET TRANSACTION, SET SESSION CHARACTERISTICS (flag Characteristics), SET transaction_...
	SetRole                         // SET ROLE, SET SESSION AUTHORIZATION, RESET of the same
	Reset                           // RESET name, RESET ALL (no name)
	DiscardAll                      // DISCARD ALL
	Discard                         // DISCARD PLANS, SEQUENCES, TEMP
	Show                            // SHOW name
	Prepare                         // PREPARE name AS ...; the Target is that of EXECUTE
	Execute                         // EXECUTE name
	Deallocate                      // DEALLOCATE name
	DeallocateAll                   // DEALLOCATE ALL
	Declare                         // DECLARE name CURSOR
	Cursor                          // FETCH, MOVE, CLOSE
	CopyIn                          // COPY ... FROM
	CopyOut                         // COPY ... TO
	Explain                         // EXPLAIN
	Lock                            // LOCK TABLE
	Listen                          // LISTEN, UNLISTEN, NOTIFY
	Call                            // CALL, DO
	Admin                           // SHOW POOL_*, PGPOOL ...
)

// String gives the word that explain prints.
func (c Class) String() string { return word(classWords[:], int(c)) }

var classWords = [...]string{
	"unknown", "empty", "multi", "read", "write", "ddl", "begin", "commit", "rollback", "savepoint", "release",
	"rollback_to", "prepare_transaction", "two_phase", "set", "set_local", "set_transaction", "set_role", "reset",
	"discard_all", "discard", "show", "prepare", "execute", "deallocate", "deallocate_all", "declare", "cursor",
	"copy_in", "copy_out", "explain", "lock", "listen", "call", "admin",
}

// Flag is a set of further facts about a statement.
type Flag uint16

const (
	ReadOnly        Flag = 1 << iota // BEGIN, SET TRANSACTION: READ ONLY
	ReadWrite                        // BEGIN, SET TRANSACTION: READ WRITE
	RepeatableRead                   // BEGIN, SET TRANSACTION: ISOLATION LEVEL REPEATABLE READ
	Serializable                     // BEGIN, SET TRANSACTION: ISOLATION LEVEL SERIALIZABLE
	ReadCommitted                    // BEGIN, SET TRANSACTION: READ COMMITTED or READ UNCOMMITTED
	Chain                            // COMMIT, ROLLBACK: AND CHAIN, the next transaction is open at once
	Characteristics                  // changes the defaults of transactions: SET SESSION CHARACTERISTICS, SET default_transaction_...
	Temp                             // creates a temporary object; its name is at NameAt if it is a relation
	TempRead                         // names a temporary relation
	Untracked                        // may change session state in a way that cannot be replayed on another server
	Writes                           // counts as a write for stickiness, as in Pgpool-II
	Hold                             // DECLARE ... WITH HOLD: the cursor outlives the transaction
	UntrackedLocal                   // Untracked, but only until the end of the transaction
)

// Verdict is what the text of one statement says by itself, without the state of the session.
// Session.Decide makes the final Target from it. It holds no pointer, so that it can be kept for every prepared
// statement at no cost for the garbage collector.
type Verdict struct {
	Target Target
	Class  Class
	Flags  Flag
	Reason Reason

	// Text[NameAt:NameEnd] is the name in SET, RESET, PREPARE, EXECUTE, DEALLOCATE, SAVEPOINT, RELEASE, ROLLBACK TO,
	// DECLARE, PREPARE TRANSACTION, LISTEN and CREATE TEMP, with its quotes if it has any, and in a Read that goes to the
	// primary the word that decided; both are 0 when there is none.
	NameAt, NameEnd uint32
}

// Is tells whether all flags of f are set.
func (v Verdict) Is(f Flag) bool { return v.Flags&f == f }

// word is words[i], or "unknown" beyond the end.
func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return "unknown"
}
