// Package sim runs nodes of a crew in a world of its own: its time, network, disks and faults come from a seed, so
// that a run can be repeated.
package sim

import (
	"container/heap"
	crand "crypto/rand"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A Setting says what a World is made of. The functions may be nil.
type Setting struct {
	Seed    uint64
	Nodes   int
	Witness bool // the last node is one
	Half    bool // half of the votes are enough

	// Plan returns the function that decides on n when it leads; it is called at each start of the node.
	Plan func(n *Node) func(authority.Situation) authority.Plan
	// Report returns what n sees, each time before it is told to the node's Core (ten times a second).
	Report func(n *Node) report.Report
	// Seen is called with each new View of a node.
	Seen func(n *Node, v *authority.View)
	// Step is called after each event.
	Step func()
}

// A World is one run. It is used by one goroutine, and only one World at a time: raft takes its random numbers from
// crypto/rand.Reader, which the World replaces until Close.
type World struct {
	Setting
	Rand   *rand.Rand
	Now    time.Duration // true time; nodes have clocks of their own
	Nodes  []*Node
	Net    Network
	Failed error // the first thing that must not be

	queue  queue
	order  uint64
	reader io.Reader
	trace  []string
}

// New makes a world of nodes that are down, with empty disks.
func New(s Setting) *World {
	w := &World{Setting: s, Rand: rand.New(rand.NewPCG(s.Seed, 1)), reader: crand.Reader}
	var seed [32]byte
	for i := range 8 {
		seed[i] = byte(s.Seed >> (8 * i))
	}
	crand.Reader = rand.NewChaCha8(seed)
	var members []clustermap.Member
	for i := range s.Nodes {
		members = append(members, clustermap.Member{ID: clustermap.NodeID(i), Host: fmt.Sprint("host", i), Port: 9000})
	}
	for i, m := range members {
		m.Priority, m.Witness = w.Rand.IntN(3), s.Witness && i == s.Nodes-1
		w.Nodes = append(w.Nodes, &Node{w: w, Self: m, all: members, Disk: &Disk{},
			offset: time.Duration(w.Rand.Int64N(int64(time.Hour))), drift: (w.Rand.Float64() - 0.5) / 125})
	}
	w.Net.init(w)
	return w
}

// Close gives back what New took.
func (w *World) Close() { crand.Reader = w.reader }

// After lets f happen later.
func (w *World) After(d time.Duration, f func()) {
	w.order++
	heap.Push(&w.queue, event{w.Now + d, w.order, f})
}

// Run lets d pass, or less if something fails.
func (w *World) Run(d time.Duration) {
	for end := w.Now + d; w.Failed == nil; {
		if len(w.queue) == 0 || w.queue[0].at > end {
			w.Now = end
			return
		}
		e := heap.Pop(&w.queue).(event)
		w.Now = max(w.Now, e.at)
		e.f()
		if w.Step != nil {
			w.Step()
		}
	}
}

// Until lets time pass until done, and fails after d.
func (w *World) Until(d time.Duration, what string, done func() bool) {
	for end := w.Now + d; w.Failed == nil && !done(); {
		if w.Now >= end {
			w.Fail("within %v: never came: %s", d, what)
		}
		w.Run(20 * time.Millisecond)
	}
}

// Fail ends the run.
func (w *World) Fail(format string, args ...any) {
	if w.Failed == nil {
		w.Failed = fmt.Errorf("seed %d at %v: %s", w.Seed, w.Now, fmt.Sprintf(format, args...))
		w.Log("FAILED: %s", fmt.Sprintf(format, args...))
	}
}

// Log notes what happens, for those who want to know why a run failed.
func (w *World) Log(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%10.4f ", w.Now.Seconds())+fmt.Sprintf(format, args...))
}

// Trace returns the notes of the run.
func (w *World) Trace() []string { return slices.Clone(w.trace) }

// between draws a duration.
func (w *World) between(a, b time.Duration) time.Duration {
	return a + time.Duration(w.Rand.Int64N(int64(b-a)+1))
}

type event struct {
	at    time.Duration
	order uint64
	f     func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(e any)   { *q = append(*q, e.(event)) }
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}
