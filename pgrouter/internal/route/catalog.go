package route

import (
	"regexp"
	"sync/atomic"
)

// CatalogSettings are the parameters that a catalog snapshot obeys.
type CatalogSettings struct {
	ReadOnlyFunctions []*regexp.Regexp // read_only_function_list, anchored, without regard to case
	WriteFunctions    []*regexp.Regexp // write_function_list, the same
	CheckTemp         bool             // check_temp_table is neither none nor off
	CheckUnlogged     bool             // check_unlogged_table
}

// Catalog is an immutable snapshot of one database's names: which of them a standby must not be asked about. It serves
// any number of sessions at once. Load makes one; it is good until somebody changes the database's objects, which
// shows at first as unknown names (then reads go to the primary).
type Catalog struct {
	number    uint64 // tells it from all others of the process, also from those that are gone
	names     names
	operators []string // symbols with a volatile function behind them
	nothing   Reason   // not ReasonNone: no read of this database can be proved one
	lenient   bool     // names that are not there are harmless; see Lenient
	utf8      bool     // the database's encoding is UTF8: names with bytes above 127 can be looked up
}

// catalogs counts the snapshots made so far.
var catalogs atomic.Uint64

// newCatalog makes one that has no names yet.
func newCatalog() *Catalog { return &Catalog{number: catalogs.Add(1)} }

// Names is the number of names the snapshot has, and how many of them keep a statement on the primary.
func (c *Catalog) Names() (all, dangerous int) {
	for i := range c.names.slots {
		if s := &c.names.slots[i]; s.len > 0 {
			all++
			if s.info&dangers != 0 {
				dangerous++
			}
		}
	}
	return all, dangerous
}
