package route

// set reads SET.
func (s *scan) set() Verdict {
	v := Verdict{Target: All, Class: Set}
	s.take()
	for (s.kw == kwSession || s.kw == kwLocal) && !s.parameterName() {
		if s.kw == kwLocal {
			v.Class = SetLocal
		}
		session := s.kw == kwSession
		s.take()
		switch {
		case session && s.kw == kwAuthorization:
			return s.named(All, s.class(v, SetRole), 0)
		case session && s.kw == kwCharacteristics && !s.parameterName():
			v = Verdict{Target: All, Class: SetTransaction, Flags: Characteristics | s.modes()}
			if v.Is(Serializable) {
				v.Target = Primary
			}
			return v
		}
	}
	if s.parameterName() {
		return s.parameter(v)
	}
	switch s.kw {
	case kwTransaction:
		return s.setTransaction()
	case kwRole:
		return s.named(All, s.class(v, SetRole), 0)
	case kwTime:
		return s.timeZone(v)
	}
	if s.k == tokWord && equalFold(s.src[s.start:s.pos], "constraints") {
		return Verdict{Class: SetLocal} // only writes check constraints
	}
	return s.parameter(v)
}

// parameterName tells whether the word just taken is a parameter's name, or the first part of one, whatever word it is.
func (s *scan) parameterName() bool {
	l := s.lexer
	switch l.next() {
	case tokDot, tokOp:
		return true
	case tokWord:
		word := s.names.find(&l, tokWord).word()
		return word == kwTo || word == kwFrom
	}
	return false
}

// timeZone reads TIME ZONE; TIME was just taken.
func (s *scan) timeZone(v Verdict) Verdict {
	at, before := s.start, s.lexer
	if s.take(); s.kw == kwZone {
		v.NameAt, v.NameEnd = uint32(at), uint32(s.pos)
		return v
	}
	s.lexer, s.k = before, tokWord
	return s.parameter(v)
}

// class is c, unless v is for the transaction only.
func (s *scan) class(v Verdict, c Class) Class {
	if v.Class == SetLocal {
		return SetLocal
	}
	return c
}

// setTransaction reads SET TRANSACTION from behind these words. One that imports a snapshot belongs to the primary.
func (s *scan) setTransaction() Verdict {
	v := Verdict{Target: All, Class: SetTransaction}
	at := s.lexer
	s.take()
	if equalFold(s.src[s.start:s.pos], "snapshot") {
		v.Target, v.Flags = Primary, Serializable
		return v
	}
	s.lexer = at
	v.Flags = s.modes()
	if v.Flags&(ReadWrite|Serializable) != 0 {
		v.Target = Primary
	}
	return v
}

// parameter reads name = value; the first part of the name was just taken.
func (s *scan) parameter(v Verdict) Verdict {
	if s.k != tokWord && s.k != tokQuoted {
		return Verdict{Class: Unknown, Flags: Writes}
	}
	at := s.start
	_, end := s.chain()
	v.NameAt, v.NameEnd = uint32(at), end
	name := s.src[at:end]
	if name[0] == '"' {
		name = name[1 : len(name)-1]
	}
	if s.kw == kwTo || s.k == tokOp {
		s.take()
	}
	switch {
	case equalFold(name, "role"), equalFold(name, "session_authorization"):
		v.Class = s.class(v, SetRole)
	case equalFold(name, "transaction_isolation"):
		v.Class, v.Flags = SetTransaction, s.level()
		if v.Is(Serializable) {
			v.Target = Primary
		}
	case equalFold(name, "transaction_read_only"):
		v.Class, v.Flags = SetTransaction, s.access()
		if v.Is(ReadWrite) {
			v.Target = Primary
		}
	case equalFold(name, "default_transaction_isolation"):
		v.Flags = Characteristics | s.level()
		if v.Is(Serializable) {
			v.Target = Primary
		}
	case equalFold(name, "default_transaction_read_only"):
		v.Flags = Characteristics | s.access()
	}
	return v
}

// level reads the value of an isolation parameter. What is not known counts as the strictest.
func (s *scan) level() Flag {
	value := s.src[s.start:s.pos]
	if s.k == tokString && len(value) > 2 {
		value = value[1 : len(value)-1]
	}
	switch {
	case equalFold(value, "read committed"), equalFold(value, "read uncommitted"), equalFold(value, "default"):
		return ReadCommitted
	case equalFold(value, "repeatable read"):
		return RepeatableRead
	}
	return Serializable
}

// access reads the value of a boolean read-only parameter. What is not known counts as read-write.
func (s *scan) access() Flag {
	value := s.src[s.start:s.pos]
	if s.k == tokString && len(value) > 2 {
		value = value[1 : len(value)-1]
	}
	for _, yes := range []string{"on", "true", "yes", "1", "t", "y", "tr", "tru", "ye"} {
		if equalFold(value, yes) {
			return ReadOnly
		}
	}
	return ReadWrite
}

// reset reads RESET.
func (s *scan) reset() Verdict {
	v := Verdict{Target: All, Class: Reset}
	s.take()
	word, before, l := s.kw, s.lexer, s.lexer
	second := keyword(0)
	switch l.next() {
	case tokDot:
		word = 0 // the first part of a name
	case tokWord:
		second = s.names.find(&l, tokWord).word()
	}
	switch {
	case word == kwAll:
		v.Flags = Characteristics
		return v
	case word == kwRole:
		return s.named(All, SetRole, 0)
	case word == kwSession && second == kwAuthorization:
		s.take()
		return s.named(All, SetRole, 0)
	case word == kwTime:
		return s.timeZone(v)
	case word == kwTransaction && second == kwIsolation:
		return Verdict{Class: SetTransaction}
	}
	s.lexer = before
	name := s.parameter(v)
	switch name.Class {
	case SetTransaction: // the default may be what a standby refuses
		name.Target, name.Flags = Primary, 0
	case Reset:
		name.Flags &= Characteristics
		name.Target = All
	}
	return name
}

// shown are the parameters whose value is the session's own, or the same on a standby. All others describe a server,
// and who asks for the port, the memory or the recovery state means the primary.
var shown = []string{
	"application_name", "bytea_output", "client_encoding", "client_min_messages", "datestyle", "default_tablespace",
	"extra_float_digits", "integer_datetimes", "intervalstyle", "is_superuser", "lc_collate", "lc_ctype", "lock_timeout",
	"role", "search_path", "server_encoding", "server_version", "server_version_num", "session_authorization",
	"standard_conforming_strings", "statement_timeout", "timezone", "xmlbinary", "xmloption",
}

// answered are the SHOW commands that pgrouter answers.
var answered = []string{
	"pool_nodes", "pool_status", "pool_processes", "pool_pools", "pool_version", "pool_cache",
	"pool_health_check_stats", "pool_backend_stats",
}

// show reads SHOW.
func (s *scan) show() Verdict {
	v := Verdict{Class: Show}
	if s.take() != tokWord {
		return v
	}
	name := s.src[s.start:s.pos]
	for _, n := range answered {
		if equalFold(name, n) {
			return Verdict{Target: Local, Class: Admin}
		}
	}
	v.NameAt, v.NameEnd = uint32(s.start), uint32(s.pos)
	if s.kw == kwTime {
		v.Target = Balance
		return v
	}
	for _, n := range shown {
		if equalFold(name, n) {
			v.Target = Balance
		}
	}
	if s.take(); v.Target == Balance && s.k != tokEnd && s.k != tokSemi {
		v.Target = Primary
	}
	return v
}
