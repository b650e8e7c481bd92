package route

// noteRelations remembers for dml_adaptive what the statement writes: the relations behind INSERT INTO, UPDATE, DELETE
// FROM, MERGE INTO, TRUNCATE and COPY, and what the configuration relates to them and to the functions that are named.
// A savepoint writes nothing. What writes otherwise has written everything.
func (s *Session) noteRelations(v Verdict, sql []byte) {
	switch v.Class {
	case Savepoint:
		return
	case Write, CopyIn, Read:
	default:
		s.state |= wroteAll
		return
	}
	if sql == nil {
		s.state |= wroteAll
		return
	}
	if !s.noteTargets(sql) {
		s.state |= wroteAll
	}
}

// noteTargets finds the names that a statement writes; false when there are none.
func (s *Session) noteTargets(sql []byte) (found bool) {
	var buf [maxName]byte
	var before keyword
	target, list := false, false // the next name is written; so is each behind a comma
	l := lexer{src: sql, std: true}
	for {
		k := l.next()
		switch k {
		case tokEnd:
			return found
		case tokBad:
			return false
		case tokComma:
			target = list
		case tokWord, tokQuoted:
			in := keywords().find(&l, k)
			switch in.word() {
			case kwInto, kwUpdate, kwTruncate, kwCopy:
				target, list = true, in.word() == kwTruncate
			case kwFrom:
				target = before == kwDelete
			case kwOnly, kwTable:
			default:
				if ahead := l; ahead.next() == tokDot { // a schema
					continue
				}
				found = s.writes(l.identifier(buf[:0], k), target) || found
				target = false
			}
			before = in.word()
		}
	}
}

// writes notes a name of a writing statement: itself if it is the relation that is written, and what is related to it.
func (s *Session) writes(name []byte, target bool) bool {
	related := s.Policy.Related[string(name)]
	if !target && len(related) == 0 {
		return false
	}
	if s.wrote == nil {
		s.wrote = make(map[string]struct{})
	}
	if len(s.wrote) >= maxRemembered {
		s.state |= wroteAll
		return true
	}
	if target {
		s.wrote[string(name)] = struct{}{}
	}
	for _, r := range related {
		s.wrote[r] = struct{}{}
	}
	return true
}

// reads tells whether the statement names something that the transaction has written.
func (s *Session) reads(sql []byte) bool {
	if sql == nil {
		return true
	}
	l := lexer{src: sql, std: true}
	for {
		k := l.next()
		switch k {
		case tokEnd:
			return false
		case tokBad:
			return true
		case tokWord, tokQuoted:
			var buf [maxName]byte
			if _, ok := s.wrote[string(l.identifier(buf[:0], k))]; ok {
				return true
			}
		}
	}
}
