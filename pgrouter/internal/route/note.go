package route

import "bytes"

// note remembers what the statement will do.
func (s *Session) note(v Verdict, sql []byte) {
	if v.Is(Untracked) {
		s.put(untracked, true)
		s.put(discarding, false)
	}
	if v.Is(UntrackedLocal) {
		s.put(local, true)
	}
	if v.Is(Writes) && v.Class != Prepare {
		s.noteWrite(v, sql)
	}
	if v.Is(Characteristics) {
		s.noteDefaults(v)
	}
	switch v.Class {
	case Begin:
		if !s.is(open) {
			s.begin(v.Flags)
		}
	case SetTransaction:
		if !v.Is(Characteristics) && s.is(open) {
			s.modes(v.Flags)
		}
	case Commit, Rollback:
		if v.Class == Rollback {
			s.next |= s.state & defaults // they may come back
		}
		again := s.state & (open | whole)
		s.over()
		if v.Is(Chain) {
			s.state |= again
		}
	case PrepareTransaction:
		s.over()
	case DDL:
		s.noteObject(v, sql)
	case Prepare:
		s.noteStatement(v, sql)
	case Deallocate:
		if s.stmts != nil && v.NameEnd != 0 && int(v.NameEnd) <= len(sql) {
			delete(s.stmts, Name(sql, v))
		}
	case DeallocateAll:
		s.stmts = nil
	case Discard:
		if v.Is(Temp) {
			s.put(discarding, false)
		}
	case DiscardAll:
		s.put(discarding, !s.is(open))
	}
}

// noteDefaults remembers how transactions will begin. Until the change is known to last, both the old and the new
// defaults count: the stricter one wins.
func (s *Session) noteDefaults(v Verdict) {
	switch {
	case v.Class == Reset:
		s.next &^= defaults // to the server's; if that is serializable the catalog snapshot knows it
	case v.Flags&levels != 0:
		s.next &^= defaults
		if v.Is(Serializable) {
			s.next |= defWhole
		}
		if v.Is(RepeatableRead) {
			s.next |= defSnapshot
		}
	}
	s.state |= s.next
}

// begin opens a transaction.
func (s *Session) begin(f Flag) {
	s.over()
	s.state |= open
	if f&levels == 0 {
		if s.is(defWhole) {
			f |= Serializable
		} else if s.is(defSnapshot) {
			f |= RepeatableRead
		}
	}
	s.modes(f)
}

// modes sets what the open transaction is.
func (s *Session) modes(f Flag) {
	// A transaction with one snapshot is the primary's, also when it is READ ONLY: only the primary can run whatever comes
	// in it.
	if f&levels != 0 {
		s.put(whole, f&(Serializable|RepeatableRead) != 0)
	}
}

// over ends the transaction.
func (s *Session) over() {
	s.state &^= ofTransaction
	s.wrote = nil
}

// noteWrite remembers a write as far as the policy asks.
func (s *Session) noteWrite(v Verdict, sql []byte) {
	s.state |= wrote
	switch s.Policy.mode() {
	case StickyTransactions:
		if s.is(open) {
			s.state |= everWrote
		}
	case StickyAlways:
		s.state |= everWrote
	case DMLAdaptive:
		s.noteRelations(v, sql)
	}
}

// noteObject remembers temporary relations: new ones, and the new names of old ones.
func (s *Session) noteObject(v Verdict, sql []byte) {
	switch {
	case v.Is(Temp) && v.NameEnd != 0 && int(v.NameEnd) <= len(sql):
		s.addTemp(Name(sql, v))
	case s.temp.Len() > 0 && startsWith(sql, kwAlter):
		if name := renamed(sql); name != "" {
			s.addTemp(name)
		}
	}
}

func (s *Session) addTemp(name string) {
	s.put(discarding, false)
	if s.temp == nil {
		s.temp = new(TempSet)
	}
	s.temp.add(name)
}

// noteStatement remembers a prepared statement. If the name is taken the server refuses the new one, which is not known
// yet: the name is a read only if both are.
func (s *Session) noteStatement(v Verdict, sql []byte) {
	if v.NameEnd == 0 || int(v.NameEnd) > len(sql) {
		return
	}
	s.put(discarding, false)
	name := Name(sql, v)
	if old, ok := s.stmts[name]; ok && old.Target != Balance {
		return
	}
	if s.stmts == nil {
		s.stmts = make(map[string]Verdict)
	}
	if len(s.stmts) < maxRemembered {
		v.NameAt, v.NameEnd = 0, 0
		s.stmts[name] = v
	}
}

// Settle is called when nothing is outstanding, with the transaction status of the server's last ReadyForQuery
// ('I', 'T', 'E'); failed says that a statement since the last Settle ended with an error.
func (s *Session) Settle(status byte, failed bool) {
	switch {
	case status == 'I':
		s.over()
	case !s.is(open):
		s.begin(0)
		// It was begun by something that was not recognised, so that how is not known.
		s.state |= whole
	}
	if failed {
		s.next |= s.state & defaults
	}
	if s.is(discarding) {
		s.put(discarding, false)
		if !failed {
			s.temp, s.stmts = nil, nil
			s.put(untracked, false)
			s.next = 0
		}
	}
	if status == 'I' {
		s.state = s.state&^defaults | s.next
	}
}

// Name is the name at v's place in sql as the server sees it: unquoted, or folded to lower case; one of several parts has
// dots between them. SET TIME ZONE is "timezone", NAMES "client_encoding", SCHEMA "search_path".
func Name(sql []byte, v Verdict) string {
	var buf [maxName]byte
	var name []byte
	parts := 0
	l := lexer{src: sql[:v.NameEnd], pos: int(v.NameAt), std: true}
	for {
		k := l.next()
		if k == tokEnd || k == tokBad {
			break
		}
		if k != tokWord && k != tokQuoted {
			if k != tokDot {
				return string(sql[v.NameAt:v.NameEnd]) // PREPARE TRANSACTION 'name'
			}
			continue
		}
		part := l.identifier(buf[:0], k)
		if parts > 0 {
			name = append(name, '.')
		}
		name = append(name, part...)
		parts++
	}
	switch v.Class {
	case Set, SetLocal, Reset:
	default:
		return string(name)
	}
	switch {
	case string(name) == "names":
		return "client_encoding"
	case string(name) == "schema":
		return "search_path"
	case string(name) == "time.zone" && !bytes.Contains(sql[v.NameAt:v.NameEnd], []byte(".")):
		return "timezone"
	}
	return string(name)
}

// startsWith tells whether the first word of sql is w.
func startsWith(sql []byte, w keyword) bool {
	l := lexer{src: sql, std: true}
	if l.next() != tokWord {
		return false
	}
	in := keywords().find(&l, tokWord)
	return in.word() == w
}

// renamed is the name behind the last RENAME TO.
func renamed(sql []byte) string {
	l := lexer{src: sql, std: true}
	var name string
	rename, to := false, false
	for {
		k := l.next()
		if k == tokEnd {
			return name
		}
		if to && (k == tokWord || k == tokQuoted) {
			var buf [maxName]byte
			if l.pos-l.start <= maxName+2 {
				name = string(l.identifier(buf[:0], k))
			}
			to = false
			continue
		}
		word := l.src[l.start:l.pos]
		to = rename && k == tokWord && equalFold(word, "to")
		rename = k == tokWord && (equalFold(word, "rename") || rename && !to)
	}
}
