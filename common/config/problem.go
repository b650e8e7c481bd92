package config

import (
	"fmt"
	"strings"
)

// A Problem is one thing that is wrong, or worth a warning, in a configuration.
type Problem struct {
	File string // "" when it came from a flag or a variable
	Line int    // from 1; 0 when it concerns no single line
	Text string // what is wrong
	Hint string // what would mend it, or ""
}

// String returns "file:line: text (hint)".
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		fmt.Fprintf(&b, " (%s)", p.Hint)
	}
	return b.String()
}

// Problems is the error of Load and Parse: everything that is wrong, not only the first.
type Problems []Problem

// Error returns all problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, each := range p {
		lines[i] = each.String()
	}
	return strings.Join(lines, "\n")
}

// a fault is a problem that does not know its place yet.
type fault struct{ text, hint string }

func (f *fault) at(file string, line int) Problem {
	return Problem{File: file, Line: line, Text: f.text, Hint: f.hint}
}
