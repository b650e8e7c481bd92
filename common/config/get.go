package config

import "time"

// get finds the value of a parameter for a node, or for all when node is -1. That the name is not in
// the table, or not of kind, is a mistake of the caller's and panics.
func (c *Config) get(name string, node int, kinds ...Kind) value {
	p := byName[name]
	if p == nil || p.Name != name {
		panic("config: no parameter " + name)
	}
	if node >= 0 && p.Suffix == NoSuffix {
		panic("config: " + name + " is not set for each node")
	}
	if node < 0 && p.Suffix == NeedsSuffix {
		panic("config: " + name + " needs a node")
	}
	fits := len(kinds) == 0
	for _, k := range kinds {
		fits = fits || k == p.Kind
	}
	if !fits {
		panic("config: " + name + " is of another kind")
	}
	if v, ok := c.values[key{name, node}]; ok {
		return v
	}
	if node >= 0 {
		if v, ok := c.values[key{name, -1}]; ok {
			return v
		}
	}
	return defaults[name]
}

// IsSet says whether a parameter was given a value, by file, flag, variable or Set.
func (c *Config) IsSet(name string) bool { return c.get(name, -1).set }

// IsSetAt says whether a parameter was given a value for a node, or for all.
func (c *Config) IsSetAt(name string, node int) bool { return c.get(name, node).set }

// Bool returns a Bool.
func (c *Config) Bool(name string) bool { return c.get(name, -1, Bool).num != 0 }

// BoolAt returns a Bool for a node.
func (c *Config) BoolAt(name string, node int) bool { return c.get(name, node, Bool).num != 0 }

// Int returns an Int, or an Octal.
func (c *Config) Int(name string) int { return int(c.get(name, -1, Int, Octal).num) }

// IntAt returns an Int for a node.
func (c *Config) IntAt(name string, node int) int { return int(c.get(name, node, Int, Octal).num) }

// Float returns a Float.
func (c *Config) Float(name string) float64 { return c.get(name, -1, Float).real }

// FloatAt returns a Float for a node.
func (c *Config) FloatAt(name string, node int) float64 { return c.get(name, node, Float).real }

// String returns a Text.
func (c *Config) String(name string) string { return c.get(name, -1, Text).word }

// StringAt returns a Text for a node.
func (c *Config) StringAt(name string, node int) string { return c.get(name, node, Text).word }

// Enum returns an Enum, spelled as in Param.Values.
func (c *Config) Enum(name string) string { return c.get(name, -1, Enum).word }

// List returns the members of a List, Patterns, Redirects or Flags. The caller must not change it.
func (c *Config) List(name string) []string {
	return c.get(name, -1, List, Patterns, Redirects, Flags).words
}

// ListAt returns the members of a Flags for a node. The caller must not change it.
func (c *Config) ListAt(name string, node int) []string {
	return c.get(name, node, List, Patterns, Redirects, Flags).words
}

// Duration returns a Duration. What 0 and -1 mean is in the parameter's help.
func (c *Config) Duration(name string) time.Duration {
	return time.Duration(c.get(name, -1, Duration).num)
}

// DurationAt returns a Duration for a node.
func (c *Config) DurationAt(name string, node int) time.Duration {
	return time.Duration(c.get(name, node, Duration).num)
}

// Bytes returns a number of bytes.
func (c *Config) Bytes(name string) int64 { return c.get(name, -1, Bytes).num }
