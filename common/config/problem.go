package config

import (
	"slices"
	"strings"

	"github.com/pgcrew/pgcrew/common/problem"
)

// Problem is one thing that is wrong, or worth a warning, in a configuration.
type Problem = problem.Problem

// Problems is the error of Load and Parse: everything that is wrong, not only the first.
type Problems = problem.Problems

// a fault is a problem that does not know its place yet.
type fault struct{ text, hint string }

func (f *fault) at(file string, line int) Problem {
	return Problem{File: file, Line: line, Text: f.text, Hint: f.hint}
}

// Problem returns what is wrong with the value of a parameter, when that shows outside of this package only: at the
// line that sets it, or at no line when none does. A node's number may stand behind the name.
func (c *Config) Problem(name, text, hint string) Problem {
	found, node, f := lookup(name)
	if f != nil {
		panic("config: no parameter " + name)
	}
	v := c.get(found.Name, node)
	p := Problem{File: v.file, Line: v.line, Text: text, Hint: hint}
	if !v.set {
		p.File = c.path
	}
	return p
}

// Unsure says whether a parameter whose name begins with prefix may have a value that its writer did not mean, because a
// line about it was not understood. Check calls it, to find no fault with what is only the consequence of another.
func (c *Config) Unsure(prefix string) bool {
	return slices.ContainsFunc(c.unsure, func(name string) bool { return strings.HasPrefix(name, prefix) })
}

// doubt remembers that a line about name was not understood. A file that could not be included may have been about
// everything.
func (c *Config) doubt(name string) {
	name = strings.ToLower(name)
	if name == "include" {
		for i := range table {
			c.unsure = append(c.unsure, table[i].Name)
		}
	}
	base := strings.TrimRight(name, "0123456789")
	p := byName[name]
	if p == nil {
		p = byName[base]
	}
	if p == nil {
		p = byName[nearest(base)]
	}
	if p != nil {
		c.unsure = append(c.unsure, p.Name)
	}
}
