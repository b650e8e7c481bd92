package config

import (
	"fmt"
	"strings"
)

func isLetter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// cutName splits behind a name; dots are part of it so that the error can name all of it.
func cutName(s string) (name, rest string) {
	if s == "" || !isLetter(s[0]) {
		return "", s
	}
	i := 1
	for i < len(s) && (isLetter(s[i]) || isDigit(s[i]) || s[i] == '$' || s[i] == '.') {
		i++
	}
	return s[:i], s[i:]
}

// cutValue splits behind a quoted text, a bare word, or a number with its unit.
func cutValue(name, s string) (text string, quoted bool, rest string, f *fault) {
	if s[0] == '\'' {
		end := closingQuote(s)
		if end < 0 {
			return "", true, "", &fault{name + ": the quote is not closed", "a value ends on its own line, with a single quote"}
		}
		return s[1:end], true, s[end+1:], nil
	}

	if isLetter(s[0]) {
		i := 1
		for i < len(s) && (isLetter(s[i]) || isDigit(s[i]) || strings.IndexByte(".:/-", s[i]) >= 0) {
			i++
		}
		return s[:i], false, s[i:], nil
	}
	digits, after := cutDigits(s)
	if real, r := scanNumber(s); len(real) > len(digits) {
		digits, after = real, r
	}
	if strings.Trim(digits, "+-") == "" {
		return "", false, "", &fault{fmt.Sprintf("%s: cannot read %s", name, repeat(name, s)), "put the value between single quotes"}
	}
	i := 0
	for i < len(after) && isLetter(after[i]) {
		i++
	}
	return digits + after[:i], false, after[i:], nil
}

// closingQuote finds the end of the quoted text with which s begins, or -1. A quote behind a backslash
// is a part of the text, together with the backslash, when there is another quote to end it: in
// 'C:\' the backslash is the last character. Pgpool-II's lexer takes the longest match too.
func closingQuote(s string) int {
	end := -1
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if end = i; s[i-1] != '\\' {
			break
		}
	}
	return end
}

// mayBeEmpty says whether nothing behind the = is a value, as it is for Pgpool-II.
func (p *Param) mayBeEmpty() bool {
	switch p.Kind {
	case Text, List, Patterns, Redirects:
		return true
	}
	return false
}

// scanNumber splits behind a decimal number with an optional fraction and exponent. number is ""
// when there is none.
func scanNumber(s string) (number, rest string) {
	i, digits := 0, 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	for ; i < len(s) && isDigit(s[i]); i++ {
		digits++
	}
	if i < len(s) && s[i] == '.' {
		for i++; i < len(s) && isDigit(s[i]); i++ {
			digits++
		}
	}
	if digits == 0 {
		return "", s
	}
	if j := i; j < len(s) && (s[j] == 'e' || s[j] == 'E') {
		if j++; j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		for k := j; k < len(s) && isDigit(s[k]); k++ {
			i = k + 1
		}
	}
	return s[:i], s[i:]
}
