package authority

import (
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A Situation is what the leader decides on. Nobody changes it.
type Situation struct {
	Now  time.Duration // since boot of the leader's host
	Self clustermap.NodeID
	Term uint64
	Map  clustermap.Map

	Nodes  []Node // all members, by ID
	Quorum Quorum

	// Watching is for how long this leader has been listening without a gap: since its election, or since its process was
	// last held up. Silence from before that means nothing.
	Watching time.Duration

	// OldLeasesEnd is when no router can hold a lease of an epoch before the one that Map.Failover is to open (or before
	// Promised+1). It moves on while leases are granted. It may have passed.
	OldLeasesEnd time.Duration
}

// A Node is a member as the leader knows it.
type Node struct {
	clustermap.Member
	Report report.Report // zero when there is none
	Age    time.Duration // of Report, since it came; -1: none has come to this leader
	Alive  bool          // it was heard of within the last second and its process is not known to be gone
	Gone   bool          // its process has ended
	Voter  bool
}

// A Plan is what the leader wants now. It is asked for again whenever something changes, and ten times a second.
type Plan struct {
	// Commands change the Map. The first is proposed, provided that the Map is still the Situation's; the others are for
	// the Plans that follow. Nothing is proposed while an earlier one is on its way.
	Commands []clustermap.Command
	Orders   map[clustermap.NodeID][]report.Order // that stand for each node

	// Serve: routers may write in the Map's epoch. They may not anyway while a failover is between Begin and Opened;
	// only until a Switchover has left the state Fence this alone decides.
	Serve bool

	Recoveries []report.Recovery // for all nodes to know
}
