package route

import "regexp"

// Settings are the parameters that the classifier obeys, taken from the configuration once.
type Settings struct {
	AllowSQLComments    bool             // allow_sql_comments: a leading comment does not keep a read on the primary
	IgnoreLeadingSpace  bool             // ignore_leading_white_space
	PrimaryPatterns     []*regexp.Regexp // primary_routing_query_pattern_list, anchored, without regard to case
	ReadOnlyFunctions   []*regexp.Regexp // read_only_function_list, the same
	WriteFunctions      []*regexp.Regexp // write_function_list, the same
	CheckTempTable      bool             // check_temp_table is not none
	CheckUnloggedTable  bool             // check_unlogged_table
	StatementWritesOnly bool
}

// Env is what the classifier has to know about the session whose statement it reads.
type Env struct {
	Catalog         *Catalog // the snapshot of the session's database, nil when there is none
	StandardStrings bool     // standard_conforming_strings, as the server last reported it
	UnsafeEncoding  bool     // a client_encoding whose second byte can be a backslash; see UnsafeEncoding
	Temp            *TempSet // the session's temporary relations, may be nil
}

// Classifier says what a statement is. It is immutable and shared by all sessions.
type Classifier struct {
	set Settings
}

// NewClassifier makes a classifier that obeys s.
func NewClassifier(s Settings) *Classifier { return &Classifier{set: s} }

// Classify reads one statement string. It allocates nothing and its time is linear in len(sql).
func (c *Classifier) Classify(sql []byte, env *Env) Verdict {
	return Verdict{Target: Primary, Class: Unknown, Reason: ReasonText}
}
