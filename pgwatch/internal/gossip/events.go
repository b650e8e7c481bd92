package gossip

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// events is a Gossip as memberlist tells it of others. memberlist holds its own lock meanwhile.
type events struct{ g *Gossip }

// NotifyJoin implements memberlist.EventDelegate.
func (e events) NotifyJoin(n *memberlist.Node) { e.note(n, true) }

// NotifyUpdate implements memberlist.EventDelegate.
func (e events) NotifyUpdate(n *memberlist.Node) { e.note(n, true) }

// NotifyLeave implements memberlist.EventDelegate. It also tells of the dead.
func (e events) NotifyLeave(n *memberlist.Node) { e.note(n, false) }

func (e events) note(n *memberlist.Node, alive bool) {
	id, err := number(n.Name)
	if err != nil || id == e.g.Self {
		return
	}
	e.g.mu.Lock()
	p, known := e.g.peers[id]
	if !known || p.Alive != alive {
		p.Since = time.Now()
	}
	p.Alive, p.addr, p.Opinion = alive, n.Address(), Opinion{}
	if alive {
		p.Opinion = decode(n.Meta)
	}
	e.g.peers[id] = p
	e.g.mu.Unlock()
	e.g.Changed()
}

// NotifyAlive implements memberlist.AliveDelegate: who is no node of a crew is not taken in.
func (e events) NotifyAlive(n *memberlist.Node) error {
	_, err := number(n.Name)
	return err
}

// NotifyConflict implements memberlist.ConflictDelegate.
func (e events) NotifyConflict(existing, other *memberlist.Node) {
	e.g.complain(fmt.Sprintf("two hosts say that they are node %s, %s and %s: give each its own pgpool_node_id", existing.Name, existing.Address(), other.Address()))
}

// number is the node that a name of memberlist stands for.
func number(name string) (clustermap.NodeID, error) {
	id, err := strconv.Atoi(name)
	if err != nil || id < 0 || id > config.MaxNode {
		return clustermap.None, fmt.Errorf("%.20q is no number of a node", name)
	}
	return clustermap.NodeID(id), nil
}

// delegate gives memberlist what it spreads.
type delegate struct{ g *Gossip }

// NodeMeta implements memberlist.Delegate.
func (d delegate) NodeMeta(limit int) []byte {
	d.g.mu.Lock()
	defer d.g.mu.Unlock()
	return d.g.own.encode(limit)
}

// NotifyMsg implements memberlist.Delegate. Nodes send no messages of their own.
func (delegate) NotifyMsg([]byte) {}

// GetBroadcasts implements memberlist.Delegate, likewise.
func (delegate) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState implements memberlist.Delegate, likewise.
func (delegate) LocalState(bool) []byte { return nil }

// MergeRemoteState implements memberlist.Delegate, likewise.
func (delegate) MergeRemoteState([]byte, bool) {}
