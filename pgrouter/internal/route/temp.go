package route

// maxRemembered bounds what one session may make its router remember of names. Beyond it the session's reads go to the
// primary (temporary relations) or a name stays unknown (prepared statements), which is the primary too.
const maxRemembered = 10000

// TempSet is a session's set of temporary relation names. The nil set is empty.
type TempSet struct {
	names map[string]struct{}
	full  bool // names were not kept: any name may be one
}

// Len is the number of names.
func (t *TempSet) Len() int {
	if t == nil {
		return 0
	}
	return len(t.names)
}

func (t *TempSet) add(name string) {
	if len(t.names) >= maxRemembered {
		t.full = true
		return
	}
	if t.names == nil {
		t.names = make(map[string]struct{})
	}
	t.names[name] = struct{}{}
}

// has looks up the identifier that l has just read as k, without allocation.
func (t *TempSet) has(l *lexer, k kind) bool {
	if t.full {
		return true
	}
	var buf [maxName]byte
	_, ok := t.names[string(l.identifier(buf[:0], k))]
	return ok
}

// identifier appends the name that the server sees in the word or quoted identifier that l has just read.
func (l *lexer) identifier(to []byte, k kind) []byte {
	if k == tokQuoted {
		return append(to, l.src[l.start+1:l.pos-1]...)
	}
	for _, c := range l.src[l.start:l.pos] {
		to = append(to, fold[c])
	}
	return to
}
