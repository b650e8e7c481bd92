package route

// set reads SET.
func (s *scan) set() Verdict {
	v := Verdict{Target: All, Class: Set}
	s.take()
	if s.kw == kwSession || s.kw == kwLocal {
		scope := s.kw
		at := s.lexer
		s.take()
		switch {
		case s.k == tokDot || s.k == tokOp || s.kw == kwTo: // a parameter of that name, or in that class
			s.lexer = at
			s.k = tokWord
			return s.parameter(v)
		case scope == kwLocal:
			v.Class = SetLocal
		case s.kw == kwCharacteristics:
			v.Class = SetTransaction
			v.Flags = Characteristics | s.modes()
			if v.Is(Serializable) {
				v.Target = Primary
			}
			return v
		}
		if scope == kwSession && s.kw == kwAuthorization {
			return s.named(All, SetRole, 0)
		}
	}
	switch s.kw {
	case kwTransaction:
		if l := s.lexer; l.next() == tokWord {
			return s.setTransaction()
		}
	case kwRole:
		return s.named(All, s.class(v, SetRole), 0)
	case kwSession: // SET LOCAL SESSION AUTHORIZATION
		if s.take(); s.kw == kwAuthorization {
			return s.named(All, s.class(v, SetRole), 0)
		}
	case kwTime:
		at := s.start
		if s.take(); s.kw == kwZone {
			v.NameAt, v.NameEnd = uint32(at), uint32(s.pos)
			return v
		}
		return Verdict{Class: Unknown, Flags: Writes}
	}
	if s.k == tokWord && equalFold(s.src[s.start:s.pos], "constraints") {
		return Verdict{Class: SetLocal} // only writes check constraints
	}
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
	at := s.start
	switch s.kw {
	case kwAll:
		v.Flags = Characteristics
		return v
	case kwRole:
		return s.named(All, SetRole, 0)
	case kwSession:
		if s.take(); s.kw == kwAuthorization {
			return s.named(All, SetRole, 0)
		}
		return Verdict{Class: Unknown, Flags: Writes}
	case kwTime:
		s.take()
		v.NameAt, v.NameEnd = uint32(at), uint32(s.pos)
		return v
	case kwTransaction: // RESET TRANSACTION ISOLATION LEVEL
		return Verdict{Class: SetTransaction, Flags: ReadCommitted}
	}
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
