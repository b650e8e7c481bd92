package config

import (
	"strconv"
	"strings"
)

// An Item is one row of SHOW POOL_STATUS and PGPOOL SHOW ALL.
type Item struct{ Name, Value, Description string }

// Show returns the value of a parameter as PGPOOL SHOW prints it: booleans on or off, enumerations
// by name, numbers in the largest unit that keeps them whole, secrets as *****. It is false
// when there is no such parameter.
func (c *Config) Show(name string) (string, bool) {
	p, node, f := lookup(name)
	if f != nil {
		return "", false
	}
	return p.show(c.get(p.Name, node)), true
}

// Status returns all values as SHOW POOL_STATUS prints them: booleans 1 or 0, enumerations and times
// as numbers. What is set for each node is there for each node that is configured.
func (c *Config) Status() []Item { return c.items((*Param).number) }

// ShowAll returns all values as PGPOOL SHOW ALL prints them.
func (c *Config) ShowAll() []Item { return c.items((*Param).show) }

// groups are the words that PGPOOL SHOW knows for several parameters at once.
var groups = map[string][]string{
	"backend":      {"backend_"},
	"health_check": {"health_check_", "connect_timeout"},
	"watchdog":     {"hostname", "wd_port", "pgpool_port"},
	"heartbeat":    {"heartbeat_"},
}

// ShowGroup returns what PGPOOL SHOW backend, health_check, watchdog or heartbeat prints; it is
// false for other names.
func (c *Config) ShowGroup(name string) ([]Item, bool) {
	prefixes, ok := groups[strings.ToLower(name)]
	if !ok {
		return nil, false
	}
	var some []Item
	for _, item := range c.ShowAll() {
		base := strings.TrimRight(item.Name, "0123456789")
		p := byName[base]
		for _, prefix := range prefixes {
			if p != nil && p.Suffix != NoSuffix && base != item.Name && strings.HasPrefix(base, prefix) {
				some = append(some, item)
			}
		}
	}
	return some, true
}

// items lists all values, written by write.
func (c *Config) items(write func(*Param, value) string) []Item {
	var items []Item
	add := func(p *Param, node int) {
		items = append(items, Item{key{p.Name, node}.String(), write(p, c.get(p.Name, node)), p.Help})
	}
	for i := range table {
		p := &table[i]
		if p.Suffix != NeedsSuffix {
			add(p, -1)
		}
		if p.Suffix != NoSuffix {
			for _, node := range c.nodes(p) {
				add(p, node)
			}
		}
	}
	return items
}

// nodes returns the numbers of the servers or watchdog nodes p is set for: the configured ones.
func (c *Config) nodes(p *Param) []int {
	sign := "backend_port"
	if strings.HasPrefix(p.Name, "heartbeat_") {
		sign = "heartbeat_port"
	} else if p.Name == "hostname" || p.Name == "wd_port" || p.Name == "pgpool_port" {
		sign = "wd_port"
	}
	var nodes []int
	for node := 0; node <= MaxNode; node++ {
		if c.IntAt(sign, node) != 0 {
			nodes = append(nodes, node)
		}
	}
	return nodes
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
