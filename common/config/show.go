package config

import (
	"slices"
	"strconv"
	"strings"
)

// An Item is one row of SHOW POOL_STATUS and PGPOOL SHOW ALL.
type Item struct{ Name, Value, Description string }

// Show returns the value of a parameter as PGPOOL SHOW prints it: booleans on or off, enumerations
// by name, numbers in the largest unit that keeps them whole (what may be set for each node in its
// own unit), secrets as *****. Unlike there, file modes are octal and weights keep their
// fractions. It is false when there is no such parameter.
func (c *Config) Show(name string) (string, bool) {
	p, node, f := lookup(name)
	if f != nil {
		return "", false
	}
	return p.show(c.get(p.Name, node)), true
}

// Status returns all values but secrets as SHOW POOL_STATUS prints them: booleans 1 or 0,
// enumerations and times as numbers, weights as shares. What is set for each node comes at
// the end, node by node.
func (c *Config) Status() []Item {
	weights := map[int]float64{}
	for _, b := range c.Backends() {
		weights[b.ID] = b.Weight
	}
	write := func(p *Param, node int) string {
		if p.Name == "backend_weight" {
			return strconv.FormatFloat(weights[node], 'f', 6, 64)
		}
		return p.number(c.get(p.Name, node))
	}
	shown := func(p *Param, node int) bool {
		return !p.Secret && (node < 0 || p.Suffix == NeedsSuffix || !sameValue(c.get(p.Name, node), c.get(p.Name, -1)))
	}
	return c.items(shown, write)
}

// ShowAll returns all values as PGPOOL SHOW ALL prints them.
func (c *Config) ShowAll() []Item {
	write := func(p *Param, node int) string { return p.show(c.get(p.Name, node)) }
	return c.items(func(*Param, int) bool { return true }, write)
}

// groups are the words that PGPOOL SHOW knows for several parameters at once.
var groups = map[string][]string{
	"backend":      {"backend_"},
	"health_check": {"health_check_", "connect_timeout"},
	"watchdog":     {"hostname", "wd_port", "pgpool_port"},
	"heartbeat":    {"heartbeat_"},
}

// ShowGroup returns what PGPOOL SHOW prints for backend, health_check, watchdog or heartbeat, or for
// the name without a number of something that is set for each node, such as backend_port. It
// is false for other names.
func (c *Config) ShowGroup(name string) ([]Item, bool) {
	name = strings.ToLower(name)
	prefixes := groups[name]
	if p := byName[name]; prefixes == nil && p != nil && p.Suffix != NoSuffix {
		prefixes = []string{p.Name}
	}
	in := func(p *Param, _ int) bool {
		return p.Suffix != NoSuffix && slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(p.Name, prefix) })
	}
	return c.items(in, func(p *Param, node int) string { return p.show(c.get(p.Name, node)) }), prefixes != nil
}

// items lists the values that are in, written by write: first those for all nodes, then those of each.
func (c *Config) items(in func(p *Param, node int) bool, write func(p *Param, node int) string) []Item {
	var items []Item
	for node := -1; node <= MaxNode; node++ {
		for i := range table {
			p := &table[i]
			if c.has(p, node) && in(p, node) {
				items = append(items, Item{key{p.Name, node}.String(), write(p, node), p.Help})
			}
		}
	}
	return items
}

// has says whether p is something for a server or watchdog node that is configured, or with node -1
// for all.
func (c *Config) has(p *Param, node int) bool {
	switch {
	case node < 0:
		return p.Suffix != NeedsSuffix
	case p.Suffix == NoSuffix:
		return false
	case strings.HasPrefix(p.Name, "heartbeat_"):
		return c.IntAt("heartbeat_port", node) != 0
	case p.Name == "hostname" || p.Name == "wd_port" || p.Name == "pgpool_port":
		return c.IntAt("wd_port", node) != 0
	}
	return c.IntAt("backend_port", node) != 0
}

// show writes v for people.
func (p *Param) show(v value) string {
	if p.Secret {
		return "*****"
	}
	switch p.Kind {
	case Bool:
		if v.num != 0 {
			return "on"
		}
		return "off"
	case Enum:
		return v.word
	case Duration, Bytes:
		if p.Suffix != NoSuffix {
			break // Pgpool-II shows these without a unit
		}
		if v.num <= 0 {
			return strconv.FormatInt(v.num/int64(p.Unit), 10)
		}
		n, unit := inLargest(v.num, scales(p.Kind))
		return strconv.FormatInt(n, 10) + unit
	}
	return p.number(v)
}

// number writes v for programs.
func (p *Param) number(v value) string {
	switch {
	case p.Secret:
		return "*****"
	case p.Kind == Octal:
		return "0" + strconv.FormatInt(v.num, 8)
	case p.Kind == Enum && p.Numbers != nil && len(p.Numbers) == 0:
		return v.word
	case p.Kind == Enum && p.Numbers != nil:
		return strconv.Itoa(p.Numbers[v.num])
	case p.Kind == Enum:
		return strconv.FormatInt(v.num+1, 10)
	case p.Kind == Bool, p.Kind == Int:
		return strconv.FormatInt(v.num, 10)
	case p.Kind == Duration, p.Kind == Bytes:
		if v.num%int64(p.Unit) == 0 {
			return strconv.FormatInt(v.num/int64(p.Unit), 10)
		}
		n, unit := inLargest(v.num, scales(p.Kind))
		return strconv.FormatInt(n, 10) + unit
	case p.Kind == Float:
		return strconv.FormatFloat(v.real, 'g', -1, 64)
	case p.Kind == Text:
		return v.word
	}
	return v.text
}
