package route

// info is all that is known about a name, in one word so that it is loaded and stored as a whole: bits about it, its
// number as a keyword, and why it is dangerous. The zero info says that the name is not known.
type info uint32

const (
	isFunction  info = 1 << iota // a function has this name
	isType                       // a type has it
	isRelation                   // a relation has it
	callBad                      // name(...) must not be balanced
	fieldBad                     // x.name must not be: a function that can be called with one argument
	typeBad                      // no mention of it as a type may be: a domain or cast runs something
	relationBad                  // no mention of it as a relation may be
	parenOK                      // an unreserved keyword that stands before '(' without being a function
	reserved                     // a keyword that cannot be a function's, relation's or type's bare name
	literalOK                    // an unreserved keyword that stands before a literal without being a type
	columnName                   // a keyword that cannot be a function's bare name, but names a type or construct
)

const (
	wordShift   = 16
	reasonShift = 24
	wordMask    = 0xff << wordShift
	reasonMask  = 0xff << reasonShift
)

// dangers are the facts that keep a statement on the primary.
const dangers = callBad | fieldBad | typeBad | relationBad

// word is the keyword's number, 0 if it is none of those that matter.
func (in info) word() keyword { return keyword(in >> wordShift) }

// reason says why one of dangers is set.
func (in info) reason() Reason { return Reason(in >> reasonShift) }

// plain is in without what the name means as a keyword.
func (in info) plain() info {
	return in &^ (parenOK | literalOK | reserved | columnName | wordMask)
}

// names maps identifiers to what is known of them: open addressing over one text, without pointers in the entries.
// It is written while it is built and only read afterwards.
type names struct {
	slots []slot
	text  []byte
	count int
}

type slot struct {
	hash uint32
	at   uint32
	info info
	len  uint8 // 0: free
}

// find looks up the identifier that l has just read as k; the zero info says that it is not known.
func (n *names) find(l *lexer, k kind) info {
	start, end := l.start, l.pos
	if k == tokQuoted {
		start, end = start+1, end-1
	}
	name := l.src[start:end]
	mask := uint32(len(n.slots) - 1)
probe:
	for i := l.hash & mask; ; i = (i + 1) & mask {
		s := &n.slots[i]
		if s.len == 0 {
			return 0
		}
		if s.hash != l.hash || int(s.len) != len(name) {
			continue
		}
		key := n.text[s.at:][:len(name)]
		if k == tokQuoted {
			if string(key) != string(name) {
				continue
			}
			return s.info.plain() // a quoted identifier is never a keyword
		}
		for j, c := range name {
			if fold[c] != key[j] {
				continue probe
			}
		}
		return s.info
	}
}

// entry gives the place of name's info to be read or changed, nil for a name no statement can contain.
// The place is valid until the next call.
func (n *names) entry(name string) *info {
	if name == "" || len(name) > maxName {
		return nil
	}
	if 2*(n.count+1) > len(n.slots) {
		n.grow()
	}
	h := uint32(hashStart)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * hashPrime
	}
	mask := uint32(len(n.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := &n.slots[i]
		if s.len == 0 {
			*s = slot{hash: h, at: uint32(len(n.text)), len: uint8(len(name))}
			n.text = append(n.text, name...)
			n.count++
			return &s.info
		}
		if s.hash == h && string(n.text[s.at:][:s.len]) == name {
			return &s.info
		}
	}
}

func (n *names) grow() {
	old := n.slots
	n.slots = make([]slot, max(1024, 2*len(old)))
	mask := uint32(len(n.slots) - 1)
	for _, s := range old {
		if s.len == 0 {
			continue
		}
		i := s.hash & mask
		for n.slots[i].len != 0 {
			i = (i + 1) & mask
		}
		n.slots[i] = s
	}
}

// bad adds danger f with reason r; the first reason stays. It tells whether that is new.
func (in *info) bad(f info, r Reason) bool {
	if in == nil || *in&f == f {
		return false
	}
	if *in&dangers == 0 {
		*in = *in&^reasonMask | info(r)<<reasonShift
	}
	*in |= f
	return true
}
