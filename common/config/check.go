package config

import (
	"fmt"
	"slices"
	"strings"
)

// contradictions finds values that are each allowed and cannot stand together.
func (c *Config) contradictions() []Problem {
	var found []Problem
	add := func(name, text, hint string) {
		v := c.get(name, -1)
		found = append(found, Problem{File: v.file, Line: v.line, Text: text, Hint: hint})
	}

	if r, n := c.Int("reserved_connections"), c.Int("num_init_children"); r >= n && !c.Unsure("num_init_children") {
		add("reserved_connections", fmt.Sprintf("reserved_connections = %d leaves no place for clients", r),
			fmt.Sprintf("it must be less than num_init_children, which is %d", n))
	}
	var always []string
	for _, b := range c.Backends() {
		if b.Flags.AlwaysPrimary {
			always = append(always, fmt.Sprint("backend_flag", b.ID))
		}
	}
	if len(always) > 1 {
		found = append(found, Problem{File: c.path, Text: strings.Join(always, " and ") + " both say ALWAYS_PRIMARY", Hint: "only one server can be the primary"})
	}
	return found
}

// findWarnings lists what was asked for and is not done as it stands.
func (c *Config) findWarnings() {
	found := slices.Clone(c.notes)
	for k, v := range c.values {
		p := byName[k.name]
		text := p.odd(v)
		switch {
		case (p.State == Ignored || p.byPgpool() && !c.pgpool) && p.Instead != "" && !sameValue(v, defaults[p.Name]):
			text = p.Instead
		case p.Name == "backend_hostname" && v.word != "" && c.IntAt("backend_port", k.node) == 0 && !c.Unsure("backend_port"):
			text = fmt.Sprintf("it is not used, because backend_port%d is not set", k.node)
		}
		if text != "" {
			found = append(found, Problem{File: v.file, Line: v.line, Text: fmt.Sprintf("%s = %s has no effect as it stands", k, p.masked(v.text)), Hint: text})
		}
	}
	slices.SortStableFunc(found, func(a, b Problem) int {
		if d := strings.Compare(a.File, b.File); d != 0 {
			return d
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Text, b.Text)
	})
	c.warnings = found
}

// odd returns what happens instead of what v asks for, or "" when nothing is odd about it.
func (p *Param) odd(v value) string {
	for text, instead := range p.Odd {
		if o, _ := p.read(text); sameValue(o, v) {
			return instead
		}
	}
	return ""
}

// masked hides a secret.
func (p *Param) masked(text string) string {
	switch {
	case p.Secret:
		return "*****"
	case text == "":
		return "''"
	}
	return text
}

// sameValue says whether two values mean the same, however they are written.
func sameValue(a, b value) bool {
	return a.num == b.num && a.real == b.real && a.word == b.word && slices.Equal(a.words, b.words)
}

// Restart returns the names of the parameters of a tool whose new value needs a restart of it, in order.
// A reload logs them and goes on with the old ones. That a server comes or goes needs none.
func Restart(tool Tool, old, new *Config) []string {
	var names []string
	for i := range table {
		p := &table[i]
		if p.Tools&tool == 0 || p.State == Ignored || p.Context == OnReload || p.Context == OnSession {
			continue
		}
		first, last := -1, -1
		if p.Suffix != NoSuffix {
			last = MaxNode
		}
		if p.Suffix == NeedsSuffix {
			first = 0
		}
		for node := first; node <= last; node++ {
			before, after := old.get(p.Name, node), new.get(p.Name, node)
			if p.Context == OnAdd && !(old.hasServer(node) && new.hasServer(node)) {
				continue
			}
			if !sameValue(before, after) {
				names = append(names, key{p.Name, node}.String())
			}
		}
	}
	return names
}
