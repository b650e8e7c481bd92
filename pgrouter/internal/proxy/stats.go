package proxy

import "github.com/pgcrew/pgcrew/pgrouter/internal/route"

// counters are what SHOW POOL_BACKEND_STATS prints of one node.
type counters struct {
	selects, inserts, updates, deletes, ddl, others uint64
	panics, fatals, errors                          uint64
}

// A tally is the counters of each node, by its number.
type tally []counters

// of is good until the next call.
func (t *tally) of(node int) *counters {
	for node >= len(*t) {
		*t = append(*t, counters{})
	}
	return &(*t)[node]
}

func (t *tally) add(o *tally) {
	for node := range *o {
		t.of(node).add(o.of(node))
	}
}

// count notes a statement that is sent to a node. verb is the first letter of its text in lower case.
func (sh *shard) count(node int, class route.Class, verb byte) {
	c := sh.stats.of(node)
	switch class {
	case route.Read:
		c.selects++
	case route.DDL:
		c.ddl++
	case route.Write:
		switch verb {
		case 's', 'w', 'v', 't', '(':
			c.selects++ // a SELECT that writes
		case 'i':
			c.inserts++
		case 'u':
			c.updates++
		case 'd':
			c.deletes++
		default:
			c.others++
		}
	default:
		c.others++
	}
}

func (sh *shard) countError(node int, severity string) {
	c := sh.stats.of(node)
	switch severity {
	case "PANIC":
		c.panics++
	case "FATAL":
		c.fatals++
	default:
		c.errors++
	}
}

func (c *counters) add(o *counters) {
	c.selects += o.selects
	c.inserts += o.inserts
	c.updates += o.updates
	c.deletes += o.deletes
	c.ddl += o.ddl
	c.others += o.others
	c.panics += o.panics
	c.fatals += o.fatals
	c.errors += o.errors
}
