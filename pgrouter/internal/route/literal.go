package route

import "bytes"

// quote reads a literal from behind its first quote: escapes says that a backslash escapes the next byte, doubled that
// two quotes are one (not so in B” and X”). A literal goes on after blanks with a newline among them, in the same mode.
func (l *lexer) quote(escapes, doubled bool) kind {
	for {
		if !l.closeQuote(escapes, doubled) {
			return tokBad
		}
		if !l.continued() {
			return tokString
		}
	}
}

// closeQuote moves behind the closing quote; false when there is none, or a NUL before it.
func (l *lexer) closeQuote(escapes, doubled bool) bool {
	src := l.src
	for p := l.pos; p < len(src); p++ {
		switch src[p] {
		case '\'':
			if doubled && l.at(p+1) == '\'' {
				p++
				continue
			}
			l.pos = p + 1
			return true
		case '\\':
			if escapes {
				p++
			}
		case 0:
			l.pos = p
			return false
		}
	}
	l.pos = len(src)
	return false
}

// continued moves behind the quote that continues a literal, if one follows: blanks and line comments, with a newline.
func (l *lexer) continued() bool {
	src := l.src
	newline := false
	for p := l.pos; p < len(src); p++ {
		c := src[p]
		switch {
		case chars[c]&cNewline != 0:
			newline = true
		case chars[c]&cSpace != 0:
		case c == '-' && l.at(p+1) == '-':
			for p+1 < len(src) && chars[src[p+1]]&cNewline == 0 {
				p++
			}
		case c == '\'' && newline:
			l.pos = p + 1
			return true
		default:
			return false
		}
	}
	return false
}

// quoted reads "identifier" from behind its first quote. One with a doubled quote in it is bad, because it cannot be
// looked up as it stands; one that the server would refuse or cut is bad too.
func (l *lexer) quoted() kind {
	src := l.src
	h := uint32(hashStart)
	var or byte
	for p := l.pos; p < len(src); p++ {
		c := src[p]
		if c == '"' {
			n := p - l.pos
			if l.at(p+1) == '"' {
				l.skipQuoted(p)
				return tokBad
			}
			l.pos, l.hash, l.high = p+1, h, or >= 128
			if n == 0 || n > maxName {
				return tokBad
			}
			return tokQuoted
		}
		if c == 0 {
			l.pos = p
			return tokBad
		}
		or |= c
		h = (h ^ uint32(c)) * hashPrime
	}
	l.pos = len(src)
	return tokBad
}

// skipQuoted moves behind the end of an identifier with doubled quotes, of which the first is at p.
func (l *lexer) skipQuoted(p int) {
	for ; p < len(l.src); p++ {
		if l.src[p] == '"' {
			if l.at(p+1) != '"' {
				l.pos = p + 1
				return
			}
			p++
		}
	}
	l.pos = len(l.src)
}

// dollar reads $1, $$...$$ and $tag$...$tag$.
func (l *lexer) dollar() kind {
	src := l.src
	p := l.start + 1
	if chars[l.at(p)]&cDigit != 0 {
		for p < len(src) && chars[src[p]]&cDigit != 0 {
			p++
		}
		l.pos = p
		return tokParam
	}
	if chars[l.at(p)]&cStart != 0 {
		for p < len(src) && chars[src[p]]&cName != 0 && src[p] != '$' {
			p++
		}
	}
	if l.at(p) != '$' {
		return tokBad
	}
	p++
	tag := src[l.start:p]
	body := src[p:]
	// A tag cannot overlap itself, so that the first match is the server's.
	end := bytes.Index(body, tag)
	if end < 0 {
		l.pos = len(src)
		return tokBad
	}
	if bytes.IndexByte(body[:end], 0) >= 0 {
		l.pos = p + end + len(tag)
		return tokBad
	}
	l.pos = p + end + len(tag)
	return tokString
}
