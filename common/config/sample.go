package config

import (
	"fmt"
	"strings"
)

// Sample returns a configuration file in which every parameter that is not Ignored stands once, commented out, with
// its default, unit, values and help.
func Sample() []byte {
	var b strings.Builder
	b.WriteString("# Parameters of pgcrew, with their defaults. Remove the # to set one.\n")
	b.WriteString("# The syntax is that of pgpool.conf: name = value; text stands between single quotes.\n")
	for i := range table {
		p := &table[i]
		if p.State == Ignored {
			continue
		}
		fmt.Fprintf(&b, "\n# %s.\n", p.Help)
		if facts := p.facts(); facts != "" {
			fmt.Fprintf(&b, "# %s\n", facts)
		}
		fmt.Fprintf(&b, "#%s = %s\n", p.sampleName(), p.sampleValue())
	}
	return []byte(b.String())
}

// facts lists the unit, the values and the moment of change of p.
func (p *Param) facts() string {
	var facts []string
	if p.Unit != None {
		facts = append(facts, "unit "+p.Unit.String())
	}
	if p.Values != nil {
		facts = append(facts, "values "+p.offered())
	}
	if p.Suffix == OptionalSuffix {
		facts = append(facts, "with a node number for one server")
	}
	if p.Context == OnRestart {
		facts = append(facts, "needs a restart")
	}
	if p.byPgpool() {
		facts = append(facts, "obeyed by pgpool alone")
	}
	if p.State == Planned {
		facts = append(facts, "not used yet")
	}
	return strings.Join(facts, "; ")
}

func (p *Param) sampleName() string {
	if p.Suffix == NeedsSuffix {
		return p.Name + "0"
	}
	return p.Name
}

func (p *Param) sampleValue() string {
	switch p.Kind {
	case Bool, Int, Octal, Float, Duration, Bytes:
		return p.Default
	}
	return "'" + p.Default + "'"
}
