package config

import (
	"slices"
	"strconv"
	"strings"
)

// table is every parameter, in the order in which it is shown.
var table = slices.Concat(connectionParams, backendParams, authParams, tlsParams, poolParams,
	logParams, fileParams, nativeParams, balanceParams, redirectParams, relcacheParams, streamParams,
	healthParams, failoverParams, recoverParams, watchdogParams, addressParams, lifecheckParams, consensusParams, cacheParams, crewParams)

// byName finds a parameter by its name and by its older ones.
var byName = func() map[string]*Param {
	m := make(map[string]*Param)
	for i := range table {
		m[table[i].Name] = &table[i]
		for _, alias := range table[i].Aliases {
			m[alias] = &table[i]
		}
	}
	return m
}()

// Params returns the table of all parameters, in the order in which it is shown.
func Params() []Param { return slices.Clone(table) }

// Lookup finds the parameter a name in the file or in PGPOOL SET means, in any case and by older
// names too. node is the number at its end, or -1 when there is none.
func Lookup(name string) (p Param, node int, ok bool) {
	found, node, f := lookup(name)
	if f != nil {
		return Param{}, -1, false
	}
	return *found, node, true
}

// key names a value: the parameter, and the node or -1.
type key struct {
	name string
	node int
}

func (k key) String() string {
	if k.node < 0 {
		return k.name
	}
	return k.name + strconv.Itoa(k.node)
}

// lookup finds the parameter behind a name and the node number at its end, or says what is wrong
// with the name.
func lookup(name string) (*Param, int, *fault) {
	name = strings.ToLower(name)
	if p := byName[name]; p != nil {
		if p.Suffix == NeedsSuffix {
			return nil, -1, &fault{name + " lacks the number of a node", "such as " + p.Name + "0"}
		}
		return p, -1, nil
	}

	base := strings.TrimRight(name, "0123456789")
	digits := name[len(base):]
	if p := byName[base]; p != nil && digits != "" && p.Suffix != NoSuffix {
		node, err := strconv.Atoi(digits)
		if err != nil || node > MaxNode {
			return nil, -1, &fault{shorten(name) + " has a node number that is too high", "the highest is " + strconv.Itoa(MaxNode)}
		}
		if strconv.Itoa(node) == digits {
			return p, node, nil
		}
	}
	return nil, -1, unknown(name, base, digits)
}

// unknown says that there is no such parameter, and which one was most likely meant.
func unknown(name, base, digits string) *fault {
	f := &fault{text: "unknown parameter " + strconv.Quote(shorten(name))}
	if hint, gone := retired[base]; gone {
		f.hint = hint
		return f
	}
	near := nearest(base)
	switch p := byName[near]; {
	case near == "":
	case p.Suffix == NeedsSuffix && digits == "":
		f.hint = "did you mean " + near + "0?"
	case p.Suffix != NoSuffix && digits != "":
		f.hint = "did you mean " + near + plain(digits) + "?"
	default:
		f.hint = "did you mean " + near + "?"
	}
	return f
}

// plain writes a node number without leading zeros.
func plain(digits string) string {
	if short := strings.TrimLeft(digits, "0"); short != "" {
		return short
	}
	return "0"
}
