package route

import "regexp"

// snapshot is what Load reads from a database, before anything is concluded from it. Identifiers of rows are PostgreSQL's.
type snapshot struct {
	functions    []function
	relations    []relation
	types        []dataType
	checks       []expression // of domains, by type
	policies     []expression // of row security, by relation
	inherits     [][2]uint32  // parent, child
	attributes   [][2]uint32  // relation, type of a column; only types that are not built in
	casts        []cast       // with a volatile function
	operators    []string     // with a volatile function
	utf8         bool
	serializable bool // some session's transactions are serializable by default
	volatileSort bool // an operator class has a volatile function
}

type function struct {
	name, schema      string
	volatile          bool // the function, or a part of the aggregate
	callable          bool // a query can call it: no trigger, no procedure, no argument of type internal
	single            bool // it can be called with one argument
	extension         bool
	trusted           bool // by read_only_function_list
	types             []uint32
	body, defaultArgs string // SQL and PL/pgSQL text of functions that are not built in
}

type relation struct {
	id                uint32
	name, schema      string
	kind, persistence byte
	rowType           uint32
	definition        string // of a view
	bad               bool
}

type dataType struct {
	id, base, element, relation, subtype uint32
	name                                 string
	volatile                             bool // its input, output or range functions are
	builtin, bad                         bool
}

type cast struct {
	target   uint32
	implicit bool
}

type expression struct {
	id   uint32
	text string
}

func matches(list []*regexp.Regexp, f *function) bool {
	for _, p := range list {
		if p.MatchString(f.name) || p.MatchString(f.schema+"."+f.name) {
			return true
		}
	}
	return false
}
