package sim

import (
	"hash/fnv"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// A Check watches a World for what must never be.
type Check struct {
	w       *World
	Opened  uint64 // the newest epoch
	leaders map[uint64]clustermap.NodeID
	maps    map[uint64]uint64 // what a Map of that index hashes to
	primary map[uint64]int
	seen    map[clustermap.NodeID]seen
	split   time.Duration // since when the network is cut so that only the nodes in whole can have a majority
	whole   func(node int) bool
}

// NewCheck watches w. Its Seen and Step are to be called from the World's.
func NewCheck(w *World) *Check {
	return &Check{w: w, leaders: map[uint64]clustermap.NodeID{}, maps: map[uint64]uint64{}, primary: map[uint64]int{},
		seen: map[clustermap.NodeID]seen{}}
}

// seen is what a process showed last.
type seen struct {
	life         int
	index, epoch uint64
}

// Split tells the Check that from now on only some nodes can have a majority, or all of them if whole is nil.
func (k *Check) Split(whole func(node int) bool) { k.split, k.whole = k.w.Now, whole }

// Seen looks at a View.
func (k *Check) Seen(n *Node, v *authority.View) {
	id := n.Self.ID
	if v.Leader == id {
		if other, ok := k.leaders[v.Term]; ok && other != id {
			k.w.Fail("nodes %d and %d both lead in term %d", other, id, v.Term)
		}
		if _, ok := k.leaders[v.Term]; !ok {
			k.w.Log("node %d leads in term %d", id, v.Term)
		}
		k.leaders[v.Term] = id
	}
	was := k.seen[id]
	k.seen[id] = seen{n.life, v.Map.Index, v.Map.Epoch}
	if was == k.seen[id] {
		return
	}
	// A process that starts again has applied no more than its snapshot.
	if was.life == n.life && (v.Map.Index < was.index || v.Map.Epoch < was.epoch) {
		k.w.Fail("node %d went back from index %d, epoch %d to %d, %d", id, was.index, was.epoch, v.Map.Index, v.Map.Epoch)
	}
	h := fnv.New64a()
	h.Write(v.Map.Encode())
	if old, ok := k.maps[v.Map.Index]; ok && old != h.Sum64() {
		k.w.Fail("node %d has another map than others at index %d: %s", id, v.Map.Index, v.Map.Encode())
	}
	k.maps[v.Map.Index] = h.Sum64()
	if p, ok := k.primary[v.Map.Epoch]; ok && p != v.Map.PrimaryID() {
		k.w.Fail("backends %d and %d are both primaries of epoch %d", p, v.Map.PrimaryID(), v.Map.Epoch)
	}
	k.primary[v.Map.Epoch] = v.Map.PrimaryID()
	if v.Map.Epoch > k.Opened {
		k.w.Log("epoch %d is open, primary %d", v.Map.Epoch, v.Map.PrimaryID())
		k.Opened = v.Map.Epoch
	}
}

// Step looks at the leases of all nodes, also of those whose process has ended: routers and addresses outlive it.
func (k *Check) Step() {
	var holder *Node
	for i, n := range k.w.Nodes {
		epoch, serves := n.Serves()
		if serves && epoch < k.Opened {
			k.w.Fail("routers of node %d may write in epoch %d while %d is open", n.Self.ID, epoch, k.Opened)
		}
		holds := n.Holds()
		if holds && holder != nil && holder.View.VIP.Token>>16 == n.View.VIP.Token>>16 {
			k.w.Fail("nodes %d and %d both hold the address in term %d", holder.Self.ID, n.Self.ID, n.View.VIP.Token>>16)
		}
		if holds {
			holder = n
		}
		if k.whole != nil && !k.whole(i) && k.w.Now-k.split > 2200*time.Millisecond && (holds || serves) {
			k.w.Fail("node %d has leases in a minority", n.Self.ID)
		}
	}
}
