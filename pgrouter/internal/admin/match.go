package admin

// shows are the words after SHOW that are ours.
var shows = [...]string{"pool_nodes", "pool_status", "pool_processes", "pool_pools", "pool_version",
	"pool_health_check_stats", "pool_backend_stats", "pool_cache"}

// Match tells whether a statement is answered here: SHOW with one of our words, or anything that begins with PGPOOL,
// which no server knows. It looks at the beginning only, and allocates nothing. An unknown SHOW POOL_... is the server's,
// which says so better, and so is a text of several statements that begins with SHOW.
func Match(sql []byte) bool {
	s := skip(sql)
	n := word(s)
	switch {
	case equalFold(s[:n], "pgpool"):
		return true
	case !equalFold(s[:n], "show"):
		return false
	}
	s = skip(s[n:])
	n = word(s)
	if n < len("pool_") || !equalFold(s[:5], "pool_") || !known(s[:n]) {
		return false
	}
	for s = skip(s[n:]); len(s) > 0 && s[0] == ';'; {
		s = skip(s[1:])
	}
	return len(s) == 0
}

func known(w []byte) bool {
	for _, s := range shows {
		if equalFold(w, s) {
			return true
		}
	}
	return false
}

// skip returns s without white space and comments at its beginning. Block comments nest, as in PostgreSQL.
func skip(s []byte) []byte {
	for {
		switch {
		case len(s) == 0:
			return s
		case s[0] == ' ' || s[0] >= '\t' && s[0] <= '\r':
			s = s[1:]
		case len(s) > 1 && s[0] == '-' && s[1] == '-':
			for len(s) > 0 && s[0] != '\n' && s[0] != '\r' {
				s = s[1:]
			}
		case len(s) > 1 && s[0] == '/' && s[1] == '*':
			rest := block(s)
			if rest == nil {
				return s
			}
			s = rest
		default:
			return s
		}
	}
}

// block returns what follows the comment at the beginning of s, or nil when it does not end.
func block(s []byte) []byte {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch {
		case s[i] == '/' && s[i+1] == '*':
			depth++
			i++
		case s[i] == '*' && s[i+1] == '/':
			depth--
			i++
			if depth == 0 {
				return s[i+1:]
			}
		}
	}
	return nil
}

// word returns the length of the identifier at the beginning of s.
func word(s []byte) int {
	n := 0
	for n < len(s) && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] == '_' || s[n] >= 0x80 ||
		n > 0 && (s[n] >= '0' && s[n] <= '9' || s[n] == '$')) {
		n++
	}
	return n
}

// equalFold compares with a word of lower-case ASCII letters.
func equalFold(s []byte, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range s {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
