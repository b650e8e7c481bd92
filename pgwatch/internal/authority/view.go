package authority

import (
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A Quorum says what the decisions rest on.
type Quorum string

// The quorums.
const (
	Full   Quorum = "full" // more than half of the members
	Edge   Quorum = "edge" // half of the members or less; what is cut off may decide, too
	NoVote Quorum = "none" // nothing is decided and nothing may be written
)

// A View is what a node knows of the authority. It is a value: nobody changes what is published.
type View struct {
	Term    uint64
	Leader  clustermap.NodeID // clustermap.None when there is none
	Leading bool              // this node leads, and what the others had decided before has been applied
	Quorum  Quorum            // as the leader told within the last second
	Map     clustermap.Map    // as far as this node has it
	Voters  []clustermap.NodeID
	Alive   []clustermap.NodeID // members that this node has heard of within the last second, and itself

	Serve   Serve
	VIP     VIP
	Orders  []report.Order // of the leader for this node; they stand until others come
	Leaving bool           // Leave was called
	Left    bool           // Leave is done: this node has no vote any more

	Recoveries []report.Recovery // as the leader told: what runs, and of each backend the newest that ended

	Waiting     string   // why this node takes no part yet; "" when it does
	Quarantined string   // why this node must not take part until an operator acts
	Problems    []string // what an operator should look at
}

// Serve is the lease under which routers of this host may write.
type Serve struct {
	Epoch uint64
	Until time.Duration // since boot of this host; 0: none
}

// VIP is the lease of the virtual address.
type VIP struct {
	Holder clustermap.NodeID // as the leader told; clustermap.None
	Token  uint64            // the newest one; a higher one ends all lower ones
	Until  time.Duration     // since boot of this host, for this node; 0: it may not hold the address
}
