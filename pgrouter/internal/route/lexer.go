package route

// kind is what a token is.
type kind uint8

const (
	tokEnd    kind = iota // end of the text
	tokBad                // cannot be read with certainty; the server may see something else here
	tokWord               // keyword or unquoted identifier; hash is set
	tokQuoted             // "identifier"; hash is that of the text between the quotes
	tokString             // any literal in quotes, with its continuations
	tokNumber
	tokParam  // $1
	tokOp     // a run of operator characters, uncut: it holds the server's operators as substrings
	tokOpen   // ( or [
	tokClose  // ) or ]
	tokComma  // ,
	tokSemi   // ;
	tokDot    // .
	tokColon  // : or :=
	tokTyping // ::
)

// Limits of what is read. Beyond them a token is bad, and the statement goes to the primary.
const (
	maxName    = 63 // NAMEDATALEN-1: the server cuts a longer identifier, which makes it another name
	maxComment = 32 // depth of comments in comments; the server is quadratic in it
)

// lexer cuts a statement into tokens by the rules of PostgreSQL 14 to 18's scan.l. Where the versions differ, the token
// is bad or the difference cannot matter. It allocates nothing, and each byte is looked at a bounded number of times.
type lexer struct {
	src   []byte
	pos   int    // behind the token
	start int    // of the token
	hash  uint32 // of a word, folded to lower case, or of a quoted identifier as it stands
	high  bool   // the identifier has bytes above 127
	std   bool   // standard_conforming_strings
	coded bool   // a U&"..." was seen: its name is not known
}

// Character classes.
const (
	cSpace   = 1 << iota
	cStart   // may start an identifier
	cName    // may continue one
	cDigit   // 0-9
	cOp      // may be part of an operator
	cNewline // ends a line comment
)

// chars gives the classes of each byte. Vertical tab is missing on purpose: it is space only since version 16.
var chars = func() (t [256]uint8) {
	for _, c := range " \t\n\r\f" {
		t[c] |= cSpace
	}
	t['\n'] |= cNewline
	t['\r'] |= cNewline
	for c := '0'; c <= '9'; c++ {
		t[c] |= cDigit | cName
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= cStart | cName
		t[c-'a'+'A'] |= cStart | cName
	}
	for c := 128; c < 256; c++ {
		t[c] |= cStart | cName
	}
	t['_'] |= cStart | cName
	t['$'] |= cName
	for _, c := range "~!@#^&|`?+-*/%<>=" {
		t[c] |= cOp
	}
	return t
}()

// fold is ASCII lower case, which is what the server does with unquoted identifiers in multi-byte encodings.
var fold = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = byte(c - 'A' + 'a')
	}
	return t
}()

// nameByte is fold for bytes that may be part of an identifier, and 0 for others.
var nameByte = func() (t [256]byte) {
	for i := range t {
		if chars[i]&cName != 0 {
			t[i] = fold[i]
		}
	}
	return t
}()

// FNV-1a.
const (
	hashStart = 2166136261
	hashPrime = 16777619
)

// next reads one token.
func (l *lexer) next() kind {
	var p int
	var c byte
	src := l.src
again:
	p = l.pos
	for p < len(src) && chars[src[p]]&cSpace != 0 {
		p++
	}
	if p >= len(src) {
		l.start, l.pos = p, p
		return tokEnd
	}
	c = src[p]
	if chars[c]&cStart != 0 {
		l.start = p
		return l.word()
	}
	l.start, l.pos = p, p+1
	switch c {
	case '\'':
		return l.quote(!l.std, true)
	case '"':
		return l.quoted()
	case '(', '[':
		return tokOpen
	case ')', ']':
		return tokClose
	case ',':
		return tokComma
	case ';':
		return tokSemi
	case ':':
		if l.at(p+1) == ':' {
			l.pos = p + 2
			return tokTyping
		}
		if l.at(p+1) == '=' {
			l.pos = p + 2
		}
		return tokColon
	case '.':
		if chars[l.at(p+1)]&cDigit != 0 {
			return l.number()
		}
		return tokDot
	case '$':
		return l.dollar()
	case '-':
		if l.at(p+1) == '-' {
			l.line()
			goto again
		}
	case '/':
		if l.at(p+1) == '*' {
			if !l.comment() {
				return tokBad
			}
			goto again
		}
	}
	if chars[c]&cDigit != 0 {
		return l.number()
	}
	if chars[c]&cOp != 0 {
		return l.operator()
	}
	return tokBad
}

// at is the byte at i, or 0 beyond the end. A NUL in the text is bad wherever it is read as a token.
func (l *lexer) at(i int) byte {
	if i < len(l.src) {
		return l.src[i]
	}
	return 0
}

// word reads an identifier, or the prefix of a literal together with the literal.
func (l *lexer) word() kind {
	src := l.src
	p := l.start
	h := uint32(hashStart)
	var or byte
	for ; p < len(src); p++ {
		c := nameByte[src[p]]
		if c == 0 {
			break
		}
		or |= c
		h = (h ^ uint32(c)) * hashPrime
	}
	l.pos, l.hash, l.high = p, h, or >= 128
	if p < len(src) && p-l.start == 1 {
		if src[p] == '\'' || src[p] == '&' {
			if k := l.prefixed(fold[src[l.start]]); k != tokEnd {
				return k
			}
		}
	}
	if p-l.start > maxName {
		return tokBad
	}
	return tokWord
}

// prefixed reads E”, B”, X”, N”, U&” after their letter; tokEnd when it is none of them.
func (l *lexer) prefixed(c byte) kind {
	p := l.pos
	if l.src[p] == '&' {
		if c != 'u' {
			return tokEnd
		}
		switch l.at(p + 1) {
		case '"': // the name is written in escapes, so it cannot be looked up as it stands
			l.coded = true
			return tokBad
		case '\'':
			if !l.std {
				return tokBad
			}
			l.pos = p + 2
			return l.quote(false, true)
		}
		return tokEnd
	}
	l.pos = p + 1
	switch c {
	case 'e':
		return l.quote(true, true)
	case 'n':
		return l.quote(!l.std, true)
	case 'b', 'x':
		return l.quote(false, false)
	}
	l.pos = p
	return tokEnd
}

// operator reads a run of operator characters up to a comment.
func (l *lexer) operator() kind {
	src := l.src
	p := l.start
	for p < len(src) && chars[src[p]]&cOp != 0 {
		if src[p] == '-' && l.at(p+1) == '-' || src[p] == '/' && l.at(p+1) == '*' {
			break
		}
		p++
	}
	l.pos = p
	return tokOp
}

// number reads digits, a fraction and an exponent. What is stuck to it comes as the next token: versions before 15
// read `1and` as two tokens, later ones refuse it or (16) read 0x1F and 1_000, which then look like a number and a word.
func (l *lexer) number() kind {
	src := l.src
	p := l.start
	for p < len(src) && chars[src[p]]&cDigit != 0 {
		p++
	}
	if l.at(p) == '.' && l.at(p+1) != '.' {
		p++
		for p < len(src) && chars[src[p]]&cDigit != 0 {
			p++
		}
	}
	if fold[l.at(p)] == 'e' {
		q := p + 1
		if l.at(q) == '+' || l.at(q) == '-' {
			q++
		}
		if chars[l.at(q)]&cDigit != 0 {
			for q < len(src) && chars[src[q]]&cDigit != 0 {
				q++
			}
			p = q
		}
	}
	l.pos = p
	return tokNumber
}

// line passes a comment that ends with the line.
func (l *lexer) line() {
	p := l.pos
	for p < len(l.src) && chars[l.src[p]]&cNewline == 0 {
		p++
	}
	l.pos = p
}

// comment passes a comment with the comments inside it, false when it does not end or is too deep.
func (l *lexer) comment() bool {
	src := l.src
	depth := 1
	p := l.start + 2
	for p+1 < len(src) {
		switch {
		case src[p] == '*' && src[p+1] == '/':
			depth--
			p += 2
			if depth == 0 {
				l.pos = p
				return true
			}
		case src[p] == '/' && src[p+1] == '*':
			depth++
			p += 2
			if depth > maxComment {
				l.pos = p
				return false
			}
		case src[p] == 0:
			l.pos = p
			return false
		default:
			p++
		}
	}
	l.pos = len(src)
	return false
}
