package config

// A Param is one entry of the parameter table.
type Param struct {
	Name      string            // as in the file, lower case, without a node number
	Kind      Kind              // which values it takes, and which getter returns it
	Unit      Unit              // of a bare number; None when it has none
	Default   string            // as it would be written in the file, without quotes
	Min, Max  int64             // of a number, in Unit; both 0 mean 0 to 2147483647
	Values    []string          // what an Enum, Flags or List may hold; a List without is free text
	Numbers   []int             // of Values in SHOW POOL_STATUS; nil counts from 1, empty shows the word
	Separator string            // between the members of a list; "" is a comma
	Suffix    Suffix            // whether a node number follows the name
	Context   Context           // when a change takes effect
	Tools     Tool              // who reads it
	State     State             // whether it does anything
	Instead   string            // for Ignored: what happens instead, printed when it is not the default; for what pgpool alone obeys: without it
	Odd       map[string]string // values taken with a warning: what happens instead; for Ignored, the rest is what happens
	Missing   map[string]string // values refused for now: the reason
	Under     string            // for Ignored: the parameter whose warning speaks for this one too
	Secret    bool              // shown as *****
	Aliases   []string          // older names, taken with a warning
	Help      string            // one line for people
}

// Kind says which values a parameter takes.
type Kind int

// The kinds, each with the getter that returns it.
const (
	Bool      Kind = iota // Config.Bool
	Int                   // Config.Int
	Octal                 // Config.Int; a file mode, written with a leading 0
	Float                 // Config.Float
	Text                  // Config.String
	Enum                  // Config.Enum; one of Values, in lower case
	Flags                 // Config.List; some of Values in upper case, joined by |
	List                  // Config.List
	Patterns              // Config.List; regular expressions
	Redirects             // Config.List and Config.Redirects; pattern:node(weight)
	Duration              // Config.Duration
	Bytes                 // Config.Bytes
)

// Suffix says whether a parameter is set for each node.
type Suffix int

// The ways a node number may follow a name.
const (
	NoSuffix       Suffix = iota
	NeedsSuffix           // backend_port0
	OptionalSuffix        // connect_timeout for all nodes, connect_timeout1 for one
)

// MaxNode is the highest node number a suffix may have, as in Pgpool-II.
const MaxNode = 127

// Context says when a change of a parameter takes effect.
type Context int

// The contexts, named as Pgpool-II's manual does.
const (
	OnRestart Context = iota // at the next start
	OnAdd                    // with a server that a reload adds or takes out; a change of one that stays needs a restart
	OnReload                 // at a reload
	OnSession                // at a reload, and for one session by PGPOOL SET
)

// State says whether a parameter does anything in pgcrew.
type State int

// The states.
const (
	Done    State = iota // a tool obeys it
	Planned              // accepted in silence, for tools none of which is there yet
	Ignored              // accepted with a warning that says what happens instead
)

// Tool is a set of pgcrew programs.
type Tool int

// The programs.
const (
	Router Tool = 1 << iota
	Watch
	VIP
	Promote
	Recover
	PCP
	Pgpool // contrib/pgpool, which runs the others
)

// Names returns the programs of t by name.
func (t Tool) Names() []string {
	var names []string
	for i, name := range []string{"pgrouter", "pgwatch", "pgvip", "pgpromote", "pgrecover", "pcpd", "pgpool"} {
		if t&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// byPgpool says whether contrib/pgpool alone obeys p: a tool that somebody else has started does what Instead says.
func (p *Param) byPgpool() bool { return p.Tools == Pgpool }

// separator returns what stands between the members of a list.
func (p *Param) separator() string {
	switch {
	case p.Kind == Flags:
		return "|"
	case p.Separator == "":
		return ","
	}
	return p.Separator
}
