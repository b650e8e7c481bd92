package route

import (
	"encoding/binary"
	"math/bits"
)

// normalize appends sql to dst with each run of digits that is not part of a name as a single 0, which is what
// statements with other numeric constants have in common. It gives up, false, where digits might be something else to
// read: in quotes, comments and parameters.
func normalize(dst, sql []byte) ([]byte, bool) {
	from := 0 // what is not copied yet
	for p := telling(sql, 0); p < len(sql); p = telling(sql, p) {
		switch c := sql[p]; {
		case chars[c]&cDigit != 0:
			first := p
			for p < len(sql) && chars[sql[p]]&cDigit != 0 {
				p++
			}
			if first == 0 || chars[sql[first-1]]&cName == 0 {
				dst = append(append(dst, sql[from:first]...), '0')
				from = p
			}
			continue
		case c == '"', c == '\'', c == '$':
			return dst, false
		case c == '-' || c == '/':
			if p+1 < len(sql) && (sql[p+1] == '-' || sql[p+1] == '*') {
				return dst, false
			}
		}
		p++
	}
	return append(dst, sql[from:]...), true
}

// telling is where the first byte at p or behind it stands that normalize has to look at: one from " to 9 in ASCII, among
// which are the digits and all that begins literals, parameters and comments. It takes eight bytes at a time.
func telling(sql []byte, p int) int {
	const each = 0x0101010101010101
	for ; p+8 <= len(sql); p += 8 {
		x := binary.LittleEndian.Uint64(sql[p:])
		low := x & (0x7f * each) // so that no sum carries into the next byte
		from := low + (0x80-'"')*each
		beyond := low + (0x80-'9'-1)*each
		if found := from &^ beyond &^ x & (0x80 * each); found != 0 {
			return p + bits.TrailingZeros64(found)/8
		}
	}
	for p < len(sql) && (sql[p] < '"' || sql[p] > '9') {
		p++
	}
	return p
}

// ClassifyNormalized gives the verdict that c.Classify gives, for a text that may have come before with other numbers in
// it, as statements of simple queries do. A verdict holds for all of them, because the classifier looks at what a number
// is beside and never into it; one that points to a name in the text does not, and patterns see the number itself.
func (m *Memory) ClassifyNormalized(c *Classifier, sql []byte, env *Env) Verdict {
	if env.Temp != nil || len(sql) > memoryLongest || len(c.set.PrimaryPatterns) > 0 {
		return c.Classify(sql, env)
	}
	normal, ok := normalize(m.scratch[:0], sql)
	m.scratch = normal
	if ok {
		if v := m.Classify(c, normal, env); v.NameEnd == 0 {
			return v
		}
	}
	return c.Classify(sql, env)
}
