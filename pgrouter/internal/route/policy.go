package route

import "strings"

// Stickiness says how long reads stay on the primary after a write: disable_load_balance_on_write.
type Stickiness uint8

const (
	StickyTransaction  Stickiness = iota // until the transaction ends
	StickyOff                            // not at all
	StickyTransactions                   // in this and all later explicit transactions of the session
	StickyAlways                         // until the session ends, also after a write outside of a transaction
	DMLAdaptive                          // in the transaction, reads that name a relation it has written
)

// Sticky reads a value of disable_load_balance_on_write; dml_adaptive_global is obeyed as dml_adaptive.
func Sticky(value string) Stickiness {
	switch value {
	case "off":
		return StickyOff
	case "trans_transaction":
		return StickyTransactions
	case "always":
		return StickyAlways
	case "dml_adaptive", "dml_adaptive_global":
		return DMLAdaptive
	}
	return StickyTransaction
}

// Policy is what the sessions obey; immutable and shared. The nil policy is StickyTransaction.
type Policy struct {
	Stickiness Stickiness
	Related    map[string][]string // dml_adaptive_object_relationship_list: who writes the key has written these too
}

func (p *Policy) mode() Stickiness {
	if p == nil {
		return StickyTransaction
	}
	return p.Stickiness
}

// related reads object:dependant pairs. A function may have its parentheses behind it, a relation its schema before it:
// names are compared without either.
func related(list []string) map[string][]string {
	m := make(map[string][]string)
	for _, pair := range list {
		from, to, _ := strings.Cut(pair, ":")
		from, to = plainName(from), plainName(to)
		if from != "" && to != "" {
			m[from] = append(m[from], to)
		}
	}
	return m
}

func plainName(s string) string {
	s = strings.TrimSpace(s)
	s, _, _ = strings.Cut(s, "(")
	s = s[strings.LastIndexByte(s, '.')+1:]
	if len(s) > 1 && s[0] == '"' {
		return strings.Trim(s, `"`)
	}
	return strings.ToLower(s)
}
