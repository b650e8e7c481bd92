package route

// scan reads a whole statement string: what kind it is, and what the router must know of it.
type scan struct {
	lexer
	names *names
	env   *Env
	k     kind    // of the last token
	kw    keyword // of the last token, 0 unless it is such a word

	looks int // how often the arguments of set_config were read ahead
	flags Flag
	v     Verdict // the outcome; in place, because a copy of so many small fields is slow
}

// take reads the next token.
func (s *scan) take() kind {
	s.k, s.kw = s.next(), 0
	if s.k == tokWord {
		in := s.names.find(&s.lexer, tokWord)
		s.kw = in.word()
	}
	return s.k
}

// statement reads the string to its end, and leaves the verdict in s.v.
func (s *scan) statement() {
	for s.take() == tokSemi {
	}
	switch {
	case s.k == tokEnd:
		s.v.Target, s.v.Class = Balance, Empty
	case s.k == tokOpen || s.kw == kwSelect || s.kw == kwWith || s.kw == kwValues || s.kw == kwTable:
		s.query()
	case s.kw == kwCopy:
		s.copy()
	default:
		begin := s.start
		s.v = s.command()
		s.finish(begin)
	}
	s.v.Flags |= s.flags
}

// finish reads the string from begin and puts what it finds into s.v.
func (s *scan) finish(begin int) {
	multi, bad := s.rest(begin)
	if s.coded { // it may be set_config
		s.v.Flags |= Untracked
	}
	switch {
	case bad && multi:
		s.v = Verdict{Class: Multi, Reason: ReasonText, Flags: Writes | Untracked}
	case bad:
		s.v.Target, s.v.Reason, s.v.NameAt, s.v.NameEnd = Primary, ReasonText, 0, 0
		switch s.v.Class {
		case Read, Write, DDL, CopyIn, CopyOut, Explain, Call:
			s.v.Flags |= Writes
		default: // it may be a change of the session's state, of which we do not know what it changes
			s.v = Verdict{Class: Unknown, Reason: ReasonText, Flags: Writes | Untracked}
		}
	case multi:
		s.v = Verdict{Class: Multi, Reason: ReasonMulti, Flags: Writes}
	case s.v.Target == Primary && s.v.Reason == ReasonNone:
		s.v.Reason = ReasonKind
	}
}

// query reads a SELECT, VALUES, TABLE or WITH, of which the first token was just taken.
func (s *scan) query() {
	begin := s.start
	var w walk
	w.lexer, w.env, w.names, w.cat = s.lexer, s.env, s.names, s.env.Catalog
	w.plain = w.cat != nil && w.env.Temp == nil
	r := w.read(s.k)
	if r == ReasonNone && w.cat != nil {
		r = w.cat.nothing
	}
	if r != ReasonNone {
		s.v = s.refused(&w, r)
		s.finish(begin)
		return
	}
	s.v.Target, s.v.Class = Balance, Read
	if s.pos = w.pos; !s.ended() {
		s.finish(begin)
	}
}

// refused is the verdict of a query that is no proved read.
func (s *scan) refused(w *walk, r Reason) Verdict {
	v := Verdict{Class: Read, Reason: r, NameAt: w.at, NameEnd: w.end}
	switch r {
	case ReasonRelation, ReasonSystem, ReasonServerState:
	case ReasonTemp:
		v.Flags = TempRead
	case ReasonInto:
		v.Class, v.Flags = DDL, Writes
		s.pos = int(w.end)
		s.into(&v)
	case ReasonCTE:
		v.Class, v.Flags = Write, Writes
	default:
		v.Flags = Writes
	}
	return v
}

// ended tells whether nothing but blanks follows.
func (s *scan) ended() bool {
	for s.pos < len(s.src) && chars[s.src[s.pos]]&cSpace != 0 {
		s.pos++
	}
	return s.pos == len(s.src)
}

// into reads what follows SELECT ... INTO: whether the new table is a temporary one, and its name.
func (s *scan) into(v *Verdict) {
	for {
		switch s.take(); s.kw {
		case kwTemp, kwTemporary:
			v.Flags |= Temp
			continue
		case kwLocal, kwGlobal, kwTable, kwUnlogged:
			continue
		}
		break
	}
	first := s.start
	if at, end := s.chain(); v.Is(Temp) || equalPrefix(s.src[first:], "pg_temp.") {
		v.Flags |= Temp
		v.NameAt, v.NameEnd = at, end
	}
}

// chain reads name.name.name from the token just taken, and gives the place of the last name. The token behind is taken.
func (s *scan) chain() (at, end uint32) {
	for s.k == tokWord || s.k == tokQuoted {
		at, end = uint32(s.start), uint32(s.pos)
		if s.take() != tokDot {
			break
		}
		s.take()
	}
	return at, end
}

// copy reads COPY, of which the first word was just taken.
func (s *scan) copy() {
	begin := s.start
	var w walk
	w.lexer, w.env, w.names, w.cat = s.lexer, s.env, s.names, s.env.Catalog
	w.dml, w.copy = true, true
	w.frames[0].place = atRelation
	w.prev().kind = tokWord // what follows COPY is not the beginning of a query
	r := w.read(w.next())
	if r == ReasonNone && w.cat != nil {
		r = w.cat.nothing
	}
	if r == ReasonNone && w.stdout {
		s.v.Target, s.v.Class = Balance, CopyOut
		s.finish(begin)
		return
	}
	s.pos = begin
	s.take()
	s.v = Verdict{Class: s.direction(), Reason: r, NameAt: w.at, NameEnd: w.end}
	switch {
	case s.v.Class == CopyOut && r == ReasonTemp:
		s.v.Flags = TempRead
	case s.v.Class == CopyOut && (r == ReasonRelation || r == ReasonSystem || r == ReasonServerState):
	default:
		s.v.Flags = Writes
	}
	s.finish(begin)
}

// direction finds out where a COPY goes, from behind its first word.
func (s *scan) direction() Class {
	for depth := 0; ; {
		switch s.take(); s.k {
		case tokEnd:
			return Write
		case tokOpen:
			depth++
		case tokClose:
			depth--
		case tokWord:
			if depth > 0 {
				continue
			}
			switch s.kw {
			case kwFrom:
				return CopyIn
			case kwTo:
				s.take()
				if s.kw == kwStdout || s.kw == kwStdin {
					return CopyOut
				}
				return Write
			}
		}
	}
}

// rest reads the whole string from begin: whether a second statement follows, and whether it can be read at all.
// On its way it finds the functions that change the session's state.
func (s *scan) rest(begin int) (multi, bad bool) {
	s.pos = begin
	var split splitter
	for {
		k := s.next()
		switch k {
		case tokEnd:
			return false, bad
		case tokBad:
			bad = true
		case tokWord, tokQuoted:
			s.stateful(k)
		}
		if split.ends(&s.lexer, k) {
			break
		}
	}
	for {
		switch s.next() {
		case tokSemi:
			continue
		case tokEnd:
			return false, bad
		}
		multi = true
		break
	}
	for {
		switch k := s.next(); k {
		case tokEnd:
			return multi, bad
		case tokWord, tokQuoted:
			s.stateful(k)
		}
	}
}

// stateful notes set_config and setseed.
func (s *scan) stateful(k kind) {
	name := s.src[s.start:s.pos]
	if k == tokQuoted {
		name = name[1 : len(name)-1]
	}
	switch {
	case len(name) == len("setseed") && equalFold(name, "setseed"):
		s.flags |= Untracked
	case len(name) == len("set_config") && equalFold(name, "set_config"):
		if s.flags&Untracked == 0 && s.lastArgumentTrue() {
			s.flags |= UntrackedLocal
		} else {
			s.flags |= Untracked
		}
	}
}

// lastArgumentTrue reads ahead in the arguments of a function, and tells whether the last one is the word true.
// Only so many are read: they may hold each other.
func (s *scan) lastArgumentTrue() bool {
	s.looks++
	if s.looks > 8 {
		return false
	}
	l := s.lexer
	if l.next() != tokOpen {
		return false
	}
	depth, comma, yes := 1, false, false
	for {
		switch k := l.next(); k {
		case tokEnd, tokBad:
			return false
		case tokOpen:
			depth++
			comma, yes = false, false
		case tokClose:
			depth--
			if depth == 0 {
				return yes
			}
			comma, yes = false, false
		case tokComma:
			comma, yes = depth == 1, false
		default:
			yes = comma && k == tokWord && equalFold(l.src[l.start:l.pos], "true")
			comma = false
		}
	}
}
