package hba

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxNesting bounds @file lists that name further @file lists, and so ends a circle of them.
const maxNesting = 10

// Load reads the file at path. The error is Problems when the file could be read.
func Load(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read pool_hba.conf: %w", err)
	}
	return Parse(path, text, os.ReadFile)
}

// Parse reads text, which is called name in messages. Lists written as @file are read with open,
// relative to the folder of name. The error is Problems.
func Parse(name string, text []byte, open func(path string) ([]byte, error)) (*File, error) {
	p := &parser{file: &File{Name: name}, open: open}
	for i, line := range strings.Split(string(text), "\n") {
		p.line = i + 1
		p.rule(line)
	}
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	if len(p.file.Rules) == 0 {
		p.line = 0
		p.warn("no line lets anybody in")
	}
	return p.file, nil
}

type parser struct {
	file     *File
	open     func(string) ([]byte, error)
	line     int
	problems Problems
}

func (p *parser) fail(format string, args ...any) {
	p.problems = append(p.problems, Problem{File: p.file.Name, Line: p.line, Text: fmt.Sprintf(format, args...)})
}

func (p *parser) warn(format string, args ...any) {
	p.file.warnings = append(p.file.warnings, Problem{File: p.file.Name, Line: p.line, Text: fmt.Sprintf(format, args...)})
}

func (p *parser) rule(line string) {
	if strings.IndexByte(line, 0) >= 0 {
		p.fail("a zero byte in the line")
		return
	}
	columns, unclosed := split(line)
	if unclosed {
		p.fail(`a quote (") is not closed`)
		return
	}
	if len(columns) == 0 {
		return
	}
	before := len(p.problems)
	r := Rule{Line: p.line}
	if !p.kind(&r, columns[0]) {
		return
	}
	want := "database, user, address and method"
	least := 5
	if r.Type == Local {
		want, least = "database, user and method", 4
	}
	if len(columns) < least {
		p.fail("%s needs %s, but the line ends after %d words", r.Type, want, len(columns))
		return
	}
	r.Databases = p.names(columns[1], filepath.Dir(p.file.Name), 0)
	r.Users = p.names(columns[2], filepath.Dir(p.file.Name), 0)
	p.dubious(r.Databases, "samerole", "samegroup", "replication")
	p.dubious(r.Users)
	rest := columns[3:]
	if r.Type != Local {
		rest = p.address(&r, rest)
	}
	if len(rest) > 0 {
		p.method(&r, rest[0])
		p.options(&r, rest[1:])
	} else if len(p.problems) == before {
		p.fail("no method at the end of the line")
	}
	if len(p.problems) == before {
		p.file.Rules = append(p.file.Rules, r)
	}
}

func (p *parser) kind(r *Rule, column []Name) bool {
	if len(column) == 1 {
		for i, name := range typeNames {
			if column[0].Text == name {
				r.Type = Type(i)
				return true
			}
		}
	}
	p.fail("%q is no connection type: write local, host, hostssl or hostnossl", join(column))
	return false
}

// dubious warns of words that PostgreSQL gives a meaning and Pgpool-II does not.
func (p *parser) dubious(names []Name, words ...string) {
	for _, n := range names {
		if n.Quoted || n.Text == "" {
			continue
		}
		special := len(n.Text) > 1 && (n.Text[0] == '+' || n.Text[0] == '/')
		for _, w := range words {
			special = special || n.Text == w
		}
		if special {
			p.warn("%s has no special meaning in pool_hba.conf, it is taken as a name", n.Text)
		}
	}
}

// names replaces @file by the words in the file.
func (p *parser) names(words []Name, dir string, depth int) []Name {
	var all []Name
	for _, w := range words {
		if w.Quoted || len(w.Text) < 2 || w.Text[0] != '@' {
			all = append(all, w)
			continue
		}
		path := w.Text[1:]
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if depth == maxNesting {
			p.fail("list %s: more than %d lists inside each other", path, maxNesting)
			continue
		}
		text, err := p.open(path)
		if err != nil {
			p.fail("list %s: %v", path, err)
			continue
		}
		for i, line := range strings.Split(string(text), "\n") {
			columns, unclosed := split(line)
			if unclosed {
				p.fail("list %s, line %d: a quote (\") is not closed", path, i+1)
			}
			for _, c := range columns {
				all = append(all, p.names(c, filepath.Dir(path), depth+1)...)
			}
		}
	}
	return all
}

func join(column []Name) string {
	words := make([]string, len(column))
	for i, n := range column {
		words[i] = n.Text
	}
	return strings.Join(words, ",")
}
