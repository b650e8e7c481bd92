package authority

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/link"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A standing is what a node tells of itself in every ask and grant.
type standing struct {
	Self     clustermap.Member   `json:"self"`
	Nodes    []clustermap.Member `json:"nodes"` // its configuration
	Boot     uint64              `json:"boot"`
	Cluster  string              `json:"cluster,omitempty"`
	Empty    bool                `json:"empty,omitempty"`  // it has no log, and takes part in nothing
	Virgin   bool                `json:"virgin,omitempty"` // it has begun a log and promised nothing yet
	Term     uint64              `json:"term"`
	LastTerm uint64              `json:"last_term"` // of its log's last entry
	Last     uint64              `json:"last"`
	Commit   uint64              `json:"commit"`
	Epoch    uint64              `json:"epoch"`
	Index    uint64              `json:"idx"` // of its Map
	Forks    []fork              `json:"forks,omitempty"`
	Loser    bool                `json:"loser,omitempty"` // it is quarantined
	Lost     bool                `json:"lost,omitempty"`  // the node that this is sent to has another history and must be quarantined
}

// An ask is a request for leases. A node that does not lead answers with what it is.
type ask struct {
	Seq     uint64         `json:"seq"`
	Is      standing       `json:"is"`
	Token   uint64         `json:"token,omitempty"` // the newest of the virtual address that it knows: with a lower one it holds nothing
	Leaving bool           `json:"leaving,omitempty"`
	Report  *report.Report `json:"report,omitempty"` // for the leader
}

// A grant answers the ask with its Seq, or is pushed, with Seq 0 and without leases, when orders change.
type grant struct {
	Seq      uint64            `json:"seq"`
	Boot     uint64            `json:"boot"` // of the asker: an answer to its predecessor is none
	Is       standing          `json:"is"`
	Leads    bool              `json:"leads,omitempty"` // without it only Is counts
	N        uint64            `json:"n,omitempty"`     // counts the grants of a leader
	Admitted uint64            `json:"admitted,omitempty"`
	Left     bool              `json:"left,omitempty"`
	Quorum   Quorum            `json:"quorum,omitempty"`
	Holder   clustermap.NodeID `json:"holder"` // of the virtual address
	report.Grant
}

// standing returns what this node is, for node to.
func (c *Core) standing(to clustermap.NodeID) standing {
	s := standing{Self: c.cfg.Self, Nodes: c.cfg.Nodes, Boot: c.cfg.Boot, Cluster: c.m.Cluster, Empty: c.rn == nil, Virgin: c.virgin(),
		Epoch: c.m.Epoch, Index: c.m.Index, Forks: c.forks, Loser: c.quarantined != "", Lost: c.peer(to).lost}
	if c.rn != nil {
		s.Term = c.hard.GetTerm()
		s.LastTerm, s.Last, s.Commit = c.lastTerm(), c.last(), c.hard.GetCommit()
	}
	return s
}

func (c *Core) send(to clustermap.NodeID, kind link.Kind, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // every member is a plain value
	}
	c.letters = append(c.letters, Letter{to, link.Message{Kind: kind, Body: b}})
}

// differ says in words how the nodes of two configurations differ, or "".
func differ(mine, theirs []clustermap.Member) string {
	where := func(nodes []clustermap.Member, id clustermap.NodeID) string {
		if i := slices.IndexFunc(nodes, func(n clustermap.Member) bool { return n.ID == id }); i >= 0 {
			return fmt.Sprintf("%s:%d", nodes[i].Host, nodes[i].Port)
		}
		return "missing"
	}
	for _, n := range slices.Concat(mine, theirs) {
		if a, b := where(mine, n.ID), where(theirs, n.ID); a != b {
			return fmt.Sprintf("node %d is %s there and %s here", n.ID, b, a)
		}
	}
	return ""
}
