package route

// command reads a statement that is no query, from behind its first word.
func (s *scan) command() Verdict {
	switch s.kw {
	case kwInsert, kwUpdate, kwDelete, kwMerge, kwTruncate, kwVacuum, kwAnalyze, kwAnalyse, kwCluster, kwReindex,
		kwCheckpoint, kwLoad, kwRefresh:
		return Verdict{Class: Write, Flags: Writes}
	case kwCreate:
		return s.create()
	case kwAlter, kwDrop, kwGrant, kwRevoke, kwComment, kwSecurity, kwImport, kwReassign:
		return Verdict{Class: DDL, Flags: Writes}
	case kwBegin:
		return s.begin()
	case kwStart:
		if s.take(); s.kw == kwTransaction {
			return s.begin()
		}
	case kwCommit, kwEnd, kwRollback, kwAbort:
		return s.end()
	case kwSavepoint:
		s.take()
		return s.named(All, Savepoint, Writes)
	case kwRelease:
		if s.take(); s.kw == kwSavepoint {
			s.takeName() // or it is the name
		}
		return s.named(All, Release, 0)
	case kwSet:
		return s.set()
	case kwReset:
		return s.reset()
	case kwDiscard:
		if s.take(); s.kw == kwAll {
			return Verdict{Target: All, Class: DiscardAll}
		}
		return Verdict{Target: All, Class: Discard, Flags: s.temporaries()}
	case kwShow:
		return s.show()
	case kwPgpool:
		return Verdict{Target: Local, Class: Admin}
	case kwPrepare:
		return s.prepare()
	case kwExecute:
		return s.execute()
	case kwDeallocate:
		if s.take(); s.kw == kwPrepare {
			s.takeName() // or it is the name
		}
		if s.kw == kwAll {
			return Verdict{Target: All, Class: DeallocateAll}
		}
		return s.named(All, Deallocate, 0)
	case kwDeclare:
		return s.declare()
	case kwFetch, kwMove, kwClose:
		return Verdict{Class: Cursor}
	case kwExplain:
		return s.explain()
	case kwLock:
		return Verdict{Class: Lock, Flags: Writes}
	case kwListen, kwUnlisten, kwNotify:
		s.take()
		return s.named(Primary, Listen, 0)
	case kwCall, kwDo:
		return Verdict{Class: Call, Flags: Writes}
	}
	return Verdict{Class: Unknown, Flags: Writes}
}

// takeName reads the next token if it is a name.
func (s *scan) takeName() {
	l := s.lexer
	if k := l.next(); k == tokWord || k == tokQuoted {
		s.take()
	}
}

// named reads the name just taken.
func (s *scan) named(t Target, c Class, f Flag) Verdict {
	v := Verdict{Target: t, Class: c, Flags: f}
	if s.k == tokWord || s.k == tokQuoted {
		v.NameAt, v.NameEnd = uint32(s.start), uint32(s.pos)
	}
	return v
}

// temporaries is Temp when the word just taken is TEMP or TEMPORARY.
func (s *scan) temporaries() Flag {
	if s.kw == kwTemp || s.kw == kwTemporary {
		return Temp
	}
	return 0
}

// create reads CREATE: only temporary relations are of interest.
func (s *scan) create() Verdict {
	v := Verdict{Class: DDL, Flags: Writes}
	for {
		s.take()
		v.Flags |= s.temporaries()
		switch s.kw {
		case kwLocal, kwGlobal, kwTemp, kwTemporary, kwUnlogged, kwRecursive, kwReplace, kwOr:
			continue
		}
		break
	}
	switch s.kw {
	case kwTable, kwView, kwSequence:
	default:
		return v
	}
	s.take()
	if s.k == tokWord && equalFold(s.src[s.start:s.pos], "if") {
		s.take() // NOT
		s.take() // EXISTS
		s.take()
	}
	schema := s.start
	at, end := s.chain()
	if int(at) != schema && equalFold(s.src[schema:schema+min(7, len(s.src)-schema)], "pg_temp") {
		v.Flags |= Temp
	}
	if v.Is(Temp) {
		v.NameAt, v.NameEnd = at, end
	}
	return v
}

// prepare reads PREPARE: the verdict is that of the statement in it.
func (s *scan) prepare() Verdict {
	s.take()
	v := s.named(Primary, Prepare, 0)
	if first := s.kw; s.take() == tokString && first == kwTransaction {
		v.Class = PrepareTransaction
		v.NameAt, v.NameEnd = uint32(s.start), uint32(s.pos)
		return v
	}
	if s.k == tokOpen && !s.types() {
		v.Flags, v.Reason = Writes, ReasonFunction
		return v
	}
	if s.kw != kwAs {
		return Verdict{Class: Unknown, Flags: Writes}
	}
	s.take()
	if s.k != tokOpen && s.kw != kwSelect && s.kw != kwWith && s.kw != kwValues && s.kw != kwTable {
		v.Flags, v.Reason = Writes, ReasonKind
		return v
	}
	s.query()
	v.Target, v.Reason, v.Flags = s.v.Target, s.v.Reason, s.v.Flags&^Temp
	return v
}

// types passes the parameter types of PREPARE; false when one of them runs something.
func (s *scan) types() bool {
	for depth := 1; depth > 0; {
		switch s.take() {
		case tokEnd, tokBad:
			return false
		case tokOpen:
			depth++
		case tokClose:
			depth--
		case tokWord, tokQuoted:
			if in := s.names.find(&s.lexer, s.k); in&typeBad != 0 {
				return false
			}
		}
	}
	s.take()
	return true
}

// execute reads EXECUTE: it may be balanced as far as its arguments are concerned.
func (s *scan) execute() Verdict {
	s.take()
	v := s.named(Balance, Execute, 0)
	if s.take() != tokOpen {
		return v
	}
	w := walk{lexer: s.lexer, env: s.env, names: s.names, cat: s.env.Catalog}
	if r := w.read(s.k); r != ReasonNone {
		v.Target, v.Flags, v.Reason = Primary, Writes, r
	}
	return v
}

// declare reads DECLARE: cursors live on the primary, which sees what the transaction has written.
func (s *scan) declare() Verdict {
	s.take()
	v := s.named(Primary, Declare, Writes)
	for s.k != tokEnd && s.k != tokBad && s.kw != kwFor {
		if with := s.kw == kwWith; s.take() == tokWord && with && s.kw == kwHold {
			v.Flags |= Hold
		}
	}
	return v
}

// explain reads EXPLAIN: the plan is the primary's. Only with ANALYZE does anything happen.
func (s *scan) explain() Verdict {
	v := Verdict{Class: Explain}
	depth := 0
	for {
		switch s.take(); s.k {
		case tokOpen:
			depth++
			continue
		case tokClose:
			depth--
			continue
		case tokWord:
			if s.kw == kwAnalyze || s.kw == kwAnalyse {
				v.Flags = Writes
			}
			if depth > 0 || s.kw == kwAnalyze || s.kw == kwAnalyse || equalFold(s.src[s.start:s.pos], "verbose") {
				continue
			}
		case tokEnd, tokBad:
		default:
			if depth > 0 {
				continue
			}
		}
		return v
	}
}
