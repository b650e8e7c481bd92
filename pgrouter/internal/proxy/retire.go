package proxy

import "github.com/pgcrew/pgcrew/pgrouter/internal/wire"

// has tells whether a server connection leads to a server that the configuration still names.
func (sh *shard) has(s *server) bool {
	n := sh.m.Node(s.node)
	return n != nil && n.Place() == s.place
}

// retire takes connections to servers that were taken out of the configuration from their sessions, which go on elsewhere.
// Where something runs or a transaction is open its end is waited for: retire is called with each map and each tick.
func (sh *shard) retire() {
	for s := range sh.servers {
		c := s.owner
		if c == nil || sh.has(s) || !c.conv.Quiet() || s.conv.Busy() || s.conv.Status() != wire.Idle {
			continue
		}
		sh.discard(s)
		c.conv.Lost(s.conv)
	}
}
