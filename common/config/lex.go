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
