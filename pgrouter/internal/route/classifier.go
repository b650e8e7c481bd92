package route

import "regexp"

// Settings are the parameters that the classifier obeys, taken from the configuration once.
type Settings struct {
	AllowSQLComments   bool             // allow_sql_comments: a leading comment does not keep a read on the primary
	IgnoreLeadingSpace bool             // ignore_leading_white_space
	PrimaryPatterns    []*regexp.Regexp // primary_routing_query_pattern_list, anchored, without regard to case
	Catalog            CatalogSettings  // what the catalog snapshot obeys
}

// Env is what the classifier has to know about the session whose statement it reads.
type Env struct {
	Catalog         *Catalog // the snapshot of the session's database, nil when there is none
	StandardStrings bool     // standard_conforming_strings, as the server last reported it
	Encoding        Encoding // ClientEncoding of what the server last reported
	Temp            *TempSet // the session's temporary relations, may be nil
}

// Classifier says what a statement is. It is immutable and shared by all sessions.
type Classifier struct {
	set      Settings
	keywords *names
}

// NewClassifier makes a classifier that obeys s.
func NewClassifier(s Settings) *Classifier { return &Classifier{set: s, keywords: keywords()} }

// Classify reads one statement string. It allocates nothing (but for primary_routing_query_pattern_list, whose matching
// is the regexp package's) and its time is linear in len(sql). A nil env is that of a session nothing is known about.
func (c *Classifier) Classify(sql []byte, env *Env) Verdict {
	if env == nil {
		env = &stranger
	}
	if env.Encoding == EncodingUnsafe && !ascii(sql) {
		return Verdict{Class: Unknown, Flags: Writes | Untracked, Reason: ReasonEncoding}
	}
	// Field by field: a composite literal would be made aside and copied.
	var s scan
	s.src, s.std, s.env, s.names = sql, env.StandardStrings, env, c.keywords
	if env.Catalog != nil {
		s.names = &env.Catalog.names
	}
	s.statement()
	if s.v.Target == Balance && s.v.Class != Empty {
		c.restrain(sql, &s.v)
	}
	return s.v
}

// restrain keeps a read on the primary when the settings or the session's user say so.
func (c *Classifier) restrain(sql []byte, v *Verdict) {
	space, comment, hint := leading(sql)
	switch {
	case hint:
		v.Target, v.Reason = Primary, ReasonHint
	case comment && !c.set.AllowSQLComments:
		v.Target, v.Reason = Primary, ReasonComment
	case space && !c.set.IgnoreLeadingSpace:
		v.Target, v.Reason = Primary, ReasonSpace
	default:
		for _, p := range c.set.PrimaryPatterns {
			if p.Match(sql) {
				v.Target, v.Reason = Primary, ReasonPattern
				return
			}
		}
	}
}

// leading tells what stands before the first word: blanks, a comment, and whether that is /*NO LOAD BALANCE*/.
func leading(sql []byte) (space, comment, hint bool) {
	p := 0
	for p < len(sql) && chars[sql[p]]&cSpace != 0 {
		p++
	}
	space = p > 0
	rest := sql[p:]
	if len(rest) < 2 {
		return space, false, false
	}
	comment = rest[0] == '-' && rest[1] == '-' || rest[0] == '/' && rest[1] == '*'
	return space, comment, comment && equalPrefix(rest, "/*no load balance*/")
}

// stranger is a session nothing is known about.
var stranger Env

func ascii(s []byte) bool {
	for _, c := range s {
		if c >= 128 {
			return false
		}
	}
	return true
}
