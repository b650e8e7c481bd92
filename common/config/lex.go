package config

import (
	"fmt"
	"strconv"
	"strings"
)

// A line is one setting as it stands in a file.
type line struct {
	name, text string
	quoted     bool
}

// lexLine takes one line apart: name, optional =, value, optional comment. Both results are nil when
// the line says nothing.
func lexLine(s string) (*line, *fault) {
	s = strings.TrimSuffix(s, "\r")
	rest := skipBlank(s)
	if rest == "" {
		return nil, nil
	}

	name, rest := cutName(rest)
	if name == "" {
		return nil, &fault{fmt.Sprintf("cannot read %q", shorten(rest)), "a line is: name = value"}
	}
	rest, equals := strings.CutPrefix(skipBlank(rest), "=")
	rest = skipBlank(rest)
	l := &line{name: name}
	if p, _, _ := lookup(name); rest == "" && equals && p != nil && p.mayBeEmpty() {
		return l, nil
	}
	if rest == "" {
		return nil, &fault{name + " has no value", "write " + name + " = '' for an empty one"}
	}

	var f *fault
	if l.text, l.quoted, rest, f = cutValue(name, rest); f != nil {
		return nil, f
	}
	if after := skipBlank(rest); after != "" {
		return nil, trailing(l, rest)
	}
	return l, nil
}

// trailing explains what stands behind a value.
func trailing(l *line, rest string) *fault {
	f := &fault{text: fmt.Sprintf("%s: cannot read %s behind the value", l.name, repeat(l.name, rest))}
	switch {
	case l.quoted && strings.HasPrefix(rest, "'"):
		f.hint = "a quote inside quotes needs a backslash before it, which stays in the value"
	case !l.quoted:
		f.hint = "put the whole value between single quotes"
	}
	return f
}

// skipBlank drops white space, and a comment to the end of the line.
func skipBlank(s string) string {
	s = strings.TrimLeft(s, " \t\f\v\r")
	if strings.HasPrefix(s, "#") {
		return ""
	}
	return s
}

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

// repeat quotes what could not be read, unless it may be a part of a secret.
func repeat(name, rest string) string {
	if p, _, _ := lookup(name); p != nil && p.Secret {
		return "what stands"
	}
	return strconv.Quote(shorten(strings.TrimSpace(rest)))
}

// shorten keeps error texts on one screen line.
func shorten(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
