package route

// begin reads the modes of BEGIN and START TRANSACTION. A standby refuses READ WRITE and SERIALIZABLE.
func (s *scan) begin() Verdict {
	v := Verdict{Target: All, Class: Begin, Flags: s.modes()}
	if v.Flags&(ReadWrite|Serializable) != 0 {
		v.Target = Primary
	}
	return v
}

// levels are the isolation levels, of which one holds.
const levels = ReadCommitted | RepeatableRead | Serializable

// modes reads transaction modes up to the end of the statement. The last of contradicting ones holds.
func (s *scan) modes() (f Flag) {
	for {
		switch s.take(); s.k {
		case tokEnd, tokBad, tokSemi:
			return f
		}
		switch s.kw {
		case kwSerializable:
			f = f&^levels | Serializable
		case kwRepeatable:
			f = f&^levels | RepeatableRead
		case kwCommitted, kwUncommitted:
			f = f&^levels | ReadCommitted
		case kwOnly:
			f = f&^ReadWrite | ReadOnly
		case kwWrite:
			f = f&^ReadOnly | ReadWrite
		}
	}
}

// end reads COMMIT, END, ROLLBACK and ABORT.
func (s *scan) end() Verdict {
	v := Verdict{Target: All, Class: Commit}
	if s.kw == kwRollback || s.kw == kwAbort {
		v.Class = Rollback
	}
	s.take()
	if s.kw == kwPrepared {
		return Verdict{Class: TwoPhase, Flags: Writes}
	}
	if s.kw == kwWork || s.kw == kwTransaction {
		s.take()
	}
	switch s.kw {
	case kwTo:
		if s.take(); s.kw == kwSavepoint {
			s.takeName() // or it is the name
		}
		return s.named(All, RollbackTo, 0)
	case kwAnd:
		if s.take(); s.kw == kwChain {
			v.Flags = Chain
		}
	}
	return v
}
