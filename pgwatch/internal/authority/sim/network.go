package sim

import (
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
)

// A Network carries messages between nodes, some late, in another order, or not at all.
type Network struct {
	w    *World
	cut  [][]bool // from, to
	Drop float64  // how many messages are lost, 0 to 1
	Slow time.Duration
}

func (n *Network) init(w *World) {
	n.w = w
	n.cut = make([][]bool, len(w.Nodes))
	for i := range n.cut {
		n.cut[i] = make([]bool, len(w.Nodes))
	}
	n.Heal()
}

// Heal makes the network a good one.
func (n *Network) Heal() {
	n.Drop, n.Slow = 0, time.Millisecond
	for i := range n.cut {
		clear(n.cut[i])
	}
}

// Cut stops messages from one node to another, in this direction.
func (n *Network) Cut(from, to int) { n.cut[from][to] = true }

// Split cuts a network into the nodes for which in is true and the others.
func (n *Network) Split(in func(node int) bool) {
	for i := range n.cut {
		for j := range n.cut {
			n.cut[i][j] = n.cut[i][j] || in(i) != in(j)
		}
	}
}

// Reaches reports whether messages go from one node to another.
func (n *Network) Reaches(from, to int) bool { return !n.cut[from][to] }

func (n *Network) send(from int, l authority.Letter) {
	to := int(l.To)
	if to >= len(n.w.Nodes) || n.cut[from][to] || n.w.Rand.Float64() < n.Drop {
		return
	}
	d := n.w.between(100*time.Microsecond, n.Slow)
	if n.w.Rand.IntN(200) == 0 {
		d *= 20
	}
	dest := n.w.Nodes[to]
	life := dest.life
	n.w.After(d, func() {
		if dest.life == life { // a connection ends with the process at its end
			dest.input(func(now time.Duration) { dest.Core.Receive(now, n.w.Nodes[from].Self.ID, l.Message) })
		}
	})
}
