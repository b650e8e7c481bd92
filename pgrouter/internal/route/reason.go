package route

// Reason is the first thing found that decided the Target.
type Reason uint8

const (
	ReasonNone            Reason = iota
	ReasonKind                   // this kind of statement goes there
	ReasonEncoding               // the client encoding can hide a quote or a backslash in a character
	ReasonText                   // the text cannot be read with certainty: NUL, unterminated, overlong name, ...
	ReasonMulti                  // several statements in one string
	ReasonComment                // a comment in front, and allow_sql_comments is off
	ReasonHint                   // /*NO LOAD BALANCE*/
	ReasonPattern                // primary_routing_query_pattern_list
	ReasonInto                   // SELECT INTO
	ReasonLock                   // FOR UPDATE, FOR SHARE, ...
	ReasonCTE                    // a data-modifying statement in WITH
	ReasonFunction               // a volatile function, or one with effects that a standby must not have
	ReasonUnknownName            // a function that the catalog snapshot does not have
	ReasonOperator               // an operator with a volatile function behind it
	ReasonRelation               // a relation whose content is not the same on a standby: unlogged, foreign, a sequence
	ReasonSystem                 // a system table or view
	ReasonTemp                   // a temporary relation
	ReasonNoCatalog              // no snapshot of the catalog to look names up in
	ReasonServerState            // asks the server about itself, which only the primary may answer
	ReasonWriteList              // write_function_list
	ReasonReadList               // not in read_only_function_list
	ReasonTransaction            // session: the transaction has written, or must have one snapshot
	ReasonSticky                 // session: an earlier write, by disable_load_balance_on_write
	ReasonUntracked              // session: its state is only on the primary
	ReasonStatement              // session: the prepared statement's own verdict
	ReasonNoStatement            // session: a prepared statement that is not known
	ReasonImplicitCast           // the database has a volatile implicit cast: nothing is a proved read
	ReasonUnknownRelation        // a relation that the catalog snapshot does not have
	ReasonUnknownType            // a type that the catalog snapshot does not have
	ReasonSpace                  // blanks in front, and ignore_leading_white_space is off
	reasonCount
)

// String gives the word that explain prints.
func (r Reason) String() string { return word(reasonWords[:], int(r)) }

var reasonWords = [reasonCount]string{
	"", "statement kind", "client encoding", "unreadable text", "several statements", "leading comment",
	"no load balance hint", "primary_routing_query_pattern_list", "select into", "row lock", "data-modifying with",
	"volatile function", "unknown function", "volatile operator", "relation", "system relation", "temporary relation", "no catalog",
	"server state", "write_function_list", "read_only_function_list", "transaction", "earlier write", "untracked state",
	"prepared statement", "unknown prepared statement", "volatile implicit cast", "unknown relation", "unknown type", "leading white space",
}
