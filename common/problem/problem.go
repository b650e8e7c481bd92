// Package problem says what is wrong with a file that a person has written: where, what, and what would mend it.
//
// The readers of pgpool.conf, pool_hba.conf and pool_passwd return all problems at once, so that they can be mended at
// once.
package problem

import (
	"fmt"
	"strings"
)

// A Problem is one thing that is wrong, or worth a warning.
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

// Problems is an error: everything that is wrong, in the order of the file. Passwords are never part of it.
type Problems []Problem

// Error returns all problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, each := range p {
		lines[i] = each.String()
	}
	return strings.Join(lines, "\n")
}
