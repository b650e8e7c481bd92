package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// UnderPgpool is in the environment of tools that contrib/pgpool has started: what it obeys has its effect then.
const UnderPgpool = "PGCREW_UNDER_PGPOOL=1"

// places is where a configuration is looked for when no file is named.
var places = []string{"/etc/pgcrew/pgcrew.conf", "/etc/pgpool2/pgpool.conf"}

// A Config holds a value for every parameter.
type Config struct {
	path     string
	values   map[key]value // what was set; the rest is in defaults
	notes    []Problem     // about names as they are read
	warnings []Problem
	told     []Problem // contradictions that Load has found
	pgpool   bool      // contrib/pgpool has started this tool
	unsure   []string  // parameters that a line or variable was about, or was likely meant to be, that was not understood
}

// defaults holds the default of every parameter; it is written once.
var defaults = func() map[string]value {
	m := make(map[string]value)
	for i := range table {
		v, f := table[i].read(table[i].Default)
		if f != nil {
			panic("config: default of " + f.text)
		}
		m[table[i].Name] = v
	}
	return m
}()

// Default returns a configuration in which nothing is set.
func Default() *Config { return &Config{values: make(map[key]value)} }

// Find returns the first configuration file that exists in the usual places:
// /etc/pgcrew/pgcrew.conf, then /etc/pgpool2/pgpool.conf. It is "" when there is none, which Load
// explains.
func Find() string {
	for _, path := range places {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// Path returns the file the configuration was read from, or "".
func (c *Config) Path() string { return c.path }

// Beside returns where a file named in the configuration is: name itself when it is absolute or
// empty, else in the folder of the configuration file.
func (c *Config) Beside(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(c.path), name)
}

// Warnings returns what the file asks for and does not get as it stands, in the order of lines.
func (c *Config) Warnings() []Problem { return slices.Clone(c.warnings) }

// Clone returns a copy that can be Set while others read c.
func (c *Config) Clone() *Config {
	return &Config{path: c.path, values: maps.Clone(c.values), notes: slices.Clone(c.notes), warnings: slices.Clone(c.warnings),
		told: slices.Clone(c.told), pgpool: c.pgpool, unsure: slices.Clone(c.unsure)}
}

// Table returns the table of parameters, as Params does.
func (c *Config) Table() []Param { return Params() }

// Set gives a parameter a value, as a flag, a variable or PGPOOL SET does. The error is one Problem
// in Problems. It does not ask whether the parameter may change at run time: see Param.Context.
func (c *Config) Set(name, value string) error {
	if f := c.assign(name, value, "", 0); f != nil {
		return Problems{f.at("", 0)}
	}
	return nil
}

// Reset gives a parameter the value it has in from, as PGPOOL RESET does.
func (c *Config) Reset(name string, from *Config) error {
	p, node, f := lookup(name)
	if f != nil {
		return Problems{f.at("", 0)}
	}
	c.copyValue(key{p.Name, node}, from)
	return nil
}

// copyValue makes one value what it is in from.
func (c *Config) copyValue(k key, from *Config) {
	if v, ok := from.values[k]; ok {
		c.values[k] = v
	} else {
		delete(c.values, k)
	}
}

// Environment sets what variables such as PGROUTER_PORT=5432 say; prefix is "PGROUTER". Variables
// that name no parameter belong to somebody else and are passed over. The error is Problems, and does not
// repeat what Load has said. It is called once, before anybody else reads c.
func (c *Config) Environment(prefix string, environ []string) error {
	var problems Problems
	c.pgpool = slices.Contains(environ, UnderPgpool)
	for _, each := range environ {
		variable, text, _ := strings.Cut(each, "=")
		name, ours := strings.CutPrefix(variable, prefix+"_")
		if _, _, f := lookup(name); !ours || f != nil {
			continue
		}
		if f := c.assign(name, text, "", 0); f != nil {
			f.text = "variable " + variable + ": " + f.text
			problems = append(problems, f.at("", 0))
			c.doubt(name)
		}
	}
	for _, p := range c.contradictions() {
		if !slices.Contains(c.told, p) {
			problems = append(problems, p)
		}
	}
	c.findWarnings()
	if problems != nil {
		return problems
	}
	return nil
}

// assign reads text as the value of name.
func (c *Config) assign(name, text, file string, line int) *fault {
	p, node, f := lookup(name)
	if f != nil {
		return f
	}
	v, f := p.read(text)
	if f != nil {
		if node >= 0 {
			f.text = strings.Replace(f.text, p.Name, key{p.Name, node}.String(), 1)
		}
		return f
	}
	v.set, v.file, v.line = true, file, line
	c.values[key{p.Name, node}] = v
	if old := strings.TrimRight(strings.ToLower(name), "0123456789"); old != p.Name && slices.Contains(p.Aliases, old) {
		c.notes = append(c.notes, Problem{File: file, Line: line, Text: fmt.Sprintf("%s is an older name", old), Hint: "it is now called " + p.Name})
	}
	return nil
}
