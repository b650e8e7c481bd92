package route

// Session is the routing state of one client session, without I/O: statements go in, targets come out. The zero value is
// a new session that obeys the default policy. It has no lock: whoever owns the client session owns it. What a
// statement does is noted when it is decided, before its outcome is known, and always in the cautious direction;
// Settle puts it right.
type Session struct {
	Policy *Policy // set before the first statement; may be exchanged between transactions

	temp  *TempSet
	stmts map[string]Verdict  // of PREPARE, by name
	wrote map[string]struct{} // by the open transaction, for DMLAdaptive
	state state
	next  state // the defaults as they will be if all that is outstanding succeeds
}

// state is a set of infos about the session.
type state uint16

const (
	open          state = 1 << iota // a transaction block is open
	whole                           // it belongs wholly to the primary: serializable, or one snapshot that may write
	wrote                           // it has written, or the run of statements since the last Settle has
	wroteAll                        // what it has written is not known by name
	local                           // set_config(..., true): settings until its end
	everWrote                       // a transaction of this session, or with StickyAlways any statement, has written
	untracked                       // the session's state is not what the router knows of it
	defSnapshot                     // default_transaction_isolation is repeatable read
	defWhole                        // default_transaction_isolation is serializable
	discarding                      // DISCARD ALL is on its way
	defaults      = defSnapshot | defWhole
	ofTransaction = open | whole | wrote | wroteAll | local
)

// Temp is the session's temporary relations, for Env; nil while there are none.
func (s *Session) Temp() *TempSet { return s.temp }

func (s *Session) is(f state) bool { return s.state&f != 0 }

func (s *Session) put(f state, on bool) {
	s.state &^= f
	if on {
		s.state |= f
	}
}

// Decide gives the place where the statement with verdict v and text sql is to run, and notes what it will do. For a
// string of several statements (Multi) call it for each of them, too, and leave its answers aside: all run on the
// primary. sql may be nil when the text is not at hand: then what it names is not known, and that is the cautious case.
func (s *Session) Decide(v Verdict, sql []byte) Target {
	t, _ := s.DecideWhy(v, sql)
	return t
}

// DecideWhy is Decide with the reason: that of v, or the session's own.
func (s *Session) DecideWhy(v Verdict, sql []byte) (Target, Reason) {
	if v.Class == Execute {
		v = s.executed(v, sql)
	}
	target, reason := s.place(v, sql)
	s.note(v, sql)
	return target, reason
}

// place finds the target in the state before the statement.
func (s *Session) place(v Verdict, sql []byte) (Target, Reason) {
	switch v.Class {
	case Prepare:
		if v.Target == Balance {
			return All, ReasonStatement
		}
	case Deallocate:
		if st, ok := s.statement(v, sql); !ok {
			return Primary, ReasonNoStatement
		} else if st.Target != Balance {
			return Primary, ReasonStatement
		}
	}
	if v.Target != Balance || v.Class == Empty {
		return v.Target, v.Reason
	}
	if r := s.keeps(sql); r != ReasonNone {
		return Primary, r
	}
	return Balance, v.Reason
}

// keeps says why a read must stay on the primary, if it must.
func (s *Session) keeps(sql []byte) Reason {
	switch {
	case s.is(untracked | local):
		return ReasonUntracked
	case s.is(whole | defWhole):
		return ReasonTransaction
	}
	switch s.Policy.mode() {
	case StickyOff:
	case StickyTransactions:
		if s.is(open) && s.is(everWrote) || s.is(wrote) {
			return ReasonSticky
		}
	case StickyAlways:
		if s.is(everWrote | wrote) {
			return ReasonSticky
		}
	case DMLAdaptive:
		if s.is(wroteAll) || len(s.wrote) > 0 && s.reads(sql) {
			return ReasonSticky
		}
	default:
		if s.is(wrote) {
			return ReasonTransaction
		}
	}
	return ReasonNone
}

// executed is the verdict of the statement that an EXECUTE runs: both must be reads.
func (s *Session) executed(v Verdict, sql []byte) Verdict {
	st, ok := s.statement(v, sql)
	switch {
	case !ok:
		v.Target, v.Reason = Primary, ReasonNoStatement
		v.Flags |= Writes
	case v.Target != Balance:
	case st.Target != Balance:
		v.Target, v.Reason, v.Flags = Primary, ReasonStatement, st.Flags
	default:
		v.Flags = st.Flags
	}
	return v
}

// statement finds the prepared statement that v names.
func (s *Session) statement(v Verdict, sql []byte) (Verdict, bool) {
	if s.stmts == nil || v.NameEnd == 0 || int(v.NameEnd) > len(sql) {
		return Verdict{}, false
	}
	st, ok := s.stmts[Name(sql, v)]
	return st, ok
}
