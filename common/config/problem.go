package config

import "github.com/pgcrew/pgcrew/common/problem"

// Problem is one thing that is wrong, or worth a warning, in a configuration.
type Problem = problem.Problem

// Problems is the error of Load and Parse: everything that is wrong, not only the first.
type Problems = problem.Problems

// a fault is a problem that does not know its place yet.
type fault struct{ text, hint string }

func (f *fault) at(file string, line int) Problem {
	return Problem{File: file, Line: line, Text: f.text, Hint: f.hint}
}
