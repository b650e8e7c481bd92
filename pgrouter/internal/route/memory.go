package route

import "hash/maphash"

const (
	memoryPlaces  = 1024    // how many texts a Memory has room for; a power of two
	memoryLongest = 2 << 10 // the longest text that is remembered, in bytes: a full Memory holds some 2 MiB
)

// Memory remembers verdicts of a Classifier, so that a text that comes again need not be read again. It is meant for
// statements with parameters, which drivers send word for word the same, and for those that differ in numbers only; others
// with literals in them would pay for it and gain nothing. It has no lock: one goroutine owns it.
//
// A verdict is given again only for the same text under the same circumstances. The Memory keeps no catalog snapshot
// alive: it knows them by their numbers.
type Memory struct {
	seed    maphash.Seed
	of      *Classifier // who gave the verdicts
	places  []remembered
	scratch []byte // where a text is normalized
}

// remembered is what a place holds: one of the many texts whose hashes lead to it.
type remembered struct {
	hash    uint64 // of text and circumstances
	claim   uint64 // the hash of the last other text that came; it gets the place when it comes again
	text    []byte
	in      circumstances
	verdict Verdict
}

// circumstances are all that a verdict depends on besides the text, the classifier, and temporary relations.
type circumstances struct {
	catalog         uint64 // the snapshot's number; 0: none
	standardStrings bool
	encoding        Encoding
}

// NewMemory makes one that has nothing to remember yet.
func NewMemory() *Memory { return newMemory(memoryPlaces) }

func newMemory(places int) *Memory {
	return &Memory{seed: maphash.MakeSeed(), places: make([]remembered, places)}
}

// Classify gives the verdict that c.Classify gives. The texts of sessions with temporary relations are always read: what
// they mean is their session's own affair. When c is another one than the last time, nothing is remembered any more. env
// is not nil.
func (m *Memory) Classify(c *Classifier, sql []byte, env *Env) Verdict {
	if env.Temp != nil || len(sql) > memoryLongest {
		return c.Classify(sql, env)
	}
	if m.of != c {
		m.of = c
		clear(m.places)
	}
	in := circumstances{standardStrings: env.StandardStrings, encoding: env.Encoding}
	if env.Catalog != nil {
		in.catalog = env.Catalog.number
	}
	hash := maphash.Bytes(m.seed, sql) ^ in.catalog*0x9e3779b97f4a7c15 // the same text in two databases has two places
	p := &m.places[hash&uint64(len(m.places)-1)]
	if p.hash == hash && p.in == in && string(p.text) == string(sql) {
		return p.verdict
	}
	v := c.Classify(sql, env)
	if p.claim == hash {
		p.hash, p.in, p.verdict = hash, in, v
		p.text = append(p.text[:0], sql...)
	}
	p.claim = hash
	return v
}
