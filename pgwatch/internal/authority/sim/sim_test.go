package sim_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority/sim"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// TestSeeds runs PGCREW_SEEDS worlds (500), or only the one of PGCREW_SEED, and tells how that went.
func TestSeeds(t *testing.T) { seeds(t, 1, newCrew, (*crew).live) }

// TestHalf does the same with two nodes of which one can go on alone, a quarter as often.
func TestHalf(t *testing.T) { seeds(t, 4, newPair, (*crew).liveInTurns) }

func seeds(t *testing.T, part uint64, begin func(seed uint64) *crew, live func(*crew)) {
	first, last := number(t, "PGCREW_SEED", 0), number(t, "PGCREW_SEEDS", 500)/part
	if first > 0 {
		last = first
	}
	for seed := max(first, 1); seed <= last; seed++ {
		c := begin(seed)
		live(c)
		c.Close()
		if first > 0 {
			t.Log(strings.Join(append(c.Trace(), c.String()), "\n"))
		}
		if c.Failed != nil {
			t.Errorf("%v (PGCREW_SEED=%d shows how)", c.Failed, seed)
		}
	}
}

func number(t *testing.T, name string, def uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// A crew is a World with a model of what the nodes decide: a failover now and then.
type crew struct {
	*sim.World
	check *sim.Check
	bad   int  // the primary that is to be replaced, or none
	wiped bool // one disk was lost; no other one may be
	left  bool // a node gave up its vote: a disk lost in that moment would be the second of two
}

// newCrew is a crew of three, or five, and in some worlds one of them only votes.
func newCrew(seed uint64) *crew {
	nodes := 3
	if seed%8 == 0 {
		nodes = 5
	}
	return newWorld(sim.Setting{Seed: seed, Nodes: nodes, Witness: seed%3 == 0})
}

// newPair is a crew of two. Their arbiter is beside one of them.
func newPair(seed uint64) *crew {
	return newWorld(sim.Setting{Seed: seed, Nodes: 2, Half: true})
}

func newWorld(s sim.Setting) *crew {
	c := &crew{bad: clustermap.None}
	s.Plan = func(*sim.Node) func(authority.Situation) authority.Plan { return c.plan }
	s.Report = func(n *sim.Node) report.Report {
		r := report.Report{Node: n.Self.ID, Epoch: n.View.Map.Epoch, Arbiters: "reached"}
		if beside := int(s.Seed % 2); !c.Net.Reaches(int(n.Self.ID), beside) {
			r.Arbiters = "lost"
		}
		return r
	}
	s.Seen = func(n *sim.Node, v *authority.View) { c.check.Seen(n, v) }
	s.Step = func() { c.check.Step() }
	c.World = sim.New(s)
	c.check = sim.NewCheck(c.World)
	return c
}

// plan is a model of the planner: it keeps the rules of the leases and nothing else.
func (c *crew) plan(s authority.Situation) (p authority.Plan) {
	f := s.Map.Failover
	p.Serve = f == nil || c.Rand.IntN(2) == 0
	do := func(cmd clustermap.Command) { p.Commands = append(p.Commands, cmd) }
	switch {
	case len(s.Map.Backends) == 0:
		do(clustermap.Command{Configure: &clustermap.Configure{Cluster: "sim", Backends: []clustermap.Backend{{ID: 0}, {ID: 1}, {ID: 2}}}})
	case s.Map.Epoch == 0:
		do(clustermap.Command{Found: &clustermap.Primary{Backend: 0}})
	case f == nil && s.Map.PrimaryID() == c.bad:
		kind := clustermap.Failure
		if s.Now%2 == 0 {
			kind = clustermap.Switchover
		}
		do(clustermap.Command{Begin: &clustermap.Failover{Kind: kind, From: c.bad, To: (c.bad + 1) % 3}})
	case f == nil:
	case f.State == clustermap.Open:
		if s.Now >= s.OldLeasesEnd {
			do(clustermap.Command{Opened: &clustermap.Opened{ID: f.ID, Primary: clustermap.Primary{Backend: f.To}}})
		}
	default:
		next := map[clustermap.State]clustermap.State{clustermap.Fence: clustermap.Recruit, clustermap.Recruit: clustermap.CatchUp,
			clustermap.CatchUp: clustermap.Promote, clustermap.Promote: clustermap.Open, clustermap.Reconverge: clustermap.Done}
		do(clustermap.Command{Advance: &clustermap.Advance{ID: f.ID, State: next[f.State]}})
	}
	return p
}

// live lets a crew live through faults, and then have peace: everything must be well again.
func (c *crew) live() {
	for _, n := range c.Nodes {
		c.After(time.Duration(c.Rand.IntN(300))*time.Millisecond, n.Start)
	}
	c.Run(time.Duration(c.Rand.IntN(1500)) * time.Millisecond)
	for range 3 + c.Rand.IntN(8) {
		c.fault()
		c.Run(time.Duration(c.Rand.IntN(1200)) * time.Millisecond)
	}
	c.peace()
	c.Run(time.Second / 2)
	c.Until(5*time.Second, "the end of what had begun", c.well)
	if c.Failed == nil {
		c.Run(time.Second)
		if !c.well() && c.Failed == nil {
			c.Fail("peace did not last")
		}
	}
}

// liveInTurns lets a pair live through faults of one node at a time: with half of the votes no more can be promised.
func (c *crew) liveInTurns() {
	c.peace()
	for range 2 + c.Rand.IntN(3) {
		n := c.Nodes[c.Rand.IntN(2)]
		alone := c.Nodes[1-n.Self.ID]
		switch c.Rand.IntN(8) {
		case 0, 1:
			n.Kill()
		case 2:
			n.Off()
		case 3:
			n.Freeze(time.Duration(c.Rand.IntN(8000)) * time.Millisecond)
		case 4, 5:
			c.Log("the link is cut")
			c.Net.Split(func(i int) bool { return i == 0 })
			alone = c.Nodes[c.Seed%2]
		case 6:
			n.Leave(time.Duration(c.Rand.IntN(300)) * time.Millisecond)
		case 7:
			c.lose(n)
		}
		if c.Rand.IntN(2) == 0 {
			c.bad = c.Rand.IntN(2)
		}
		if c.Rand.IntN(3) > 0 {
			c.Until(12*time.Second, "the other node leads alone, or both do again", func() bool {
				return alone.View.Leading && alone.View.Quorum != authority.NoVote || c.well()
			})
		}
		c.Run(time.Duration(c.Rand.IntN(4000)) * time.Millisecond)
		c.peace()
	}
}

// peace mends everything, and waits until all is well.
func (c *crew) peace() {
	c.Log("peace")
	c.Net.Heal()
	c.check.Split(nil)
	c.bad = clustermap.None
	for _, n := range c.Nodes {
		n.Freeze(0)
	}
	c.Run(time.Second / 2) // who was about to leave has left
	for _, n := range c.Nodes {
		n.Start()
	}
	c.Until(15*time.Second, "peace", c.well)
}

// lose takes a node's disk away.
func (c *crew) lose(n *sim.Node) {
	n.Kill()
	c.Log("node %d loses its disk", n.Self.ID)
	n.Disk.Wipe()
}

// fault makes something go wrong.
func (c *crew) fault() {
	n := c.Nodes[c.Rand.IntN(len(c.Nodes))]
	switch c.Rand.IntN(18) {
	case 0, 1:
		n.Kill()
	case 2:
		n.Off()
	case 3:
		for _, n := range c.Nodes {
			n.Off()
		}
	case 4, 5, 6:
		for _, n := range c.Nodes {
			n.Start()
		}
	case 7:
		n.Freeze(time.Duration(c.Rand.IntN(4000)) * time.Millisecond)
	case 8, 9:
		one := c.Rand.IntN(len(c.Nodes))
		c.Log("node %d is cut off", one)
		c.Net.Split(func(i int) bool { return i == one })
		if c.joined() {
			c.check.Split(func(i int) bool { return i != one })
		}
	case 10:
		from, to := c.Rand.IntN(len(c.Nodes)), c.Rand.IntN(len(c.Nodes))
		c.Log("nothing gets from node %d to %d", from, to)
		c.Net.Cut(from, to)
	case 11:
		c.Net.Drop, c.Net.Slow = c.Rand.Float64()*0.5, time.Duration(c.Rand.IntN(100)+1)*time.Millisecond
		c.Log("the network loses %.2f and takes up to %v", c.Net.Drop, c.Net.Slow)
	case 12, 13:
		c.Log("the network is well")
		c.Net.Heal()
		c.check.Split(nil)
	case 14:
		c.bad = c.Rand.IntN(3)
		c.Log("backend %d is to go", c.bad)
	case 15:
		if !c.wiped && !c.left && c.joined() {
			c.wiped = true
			c.lose(n)
		}
	case 16, 17:
		if !c.wiped { // to leave while another one's log is lost is to lose two
			c.left = true
			c.check.Split(nil) // who leaves takes its vote out of the count
			n.Leave(time.Duration(c.Rand.IntN(500)) * time.Millisecond)
		}
	}
	if c.Rand.IntN(4) == 0 {
		c.Nodes[c.Rand.IntN(len(c.Nodes))].Propose(clustermap.Command{Pause: new(c.Rand.IntN(2) == 0)})
	}
}

// joined reports whether every node has a vote: with fewer votes the loss of one log is too much.
func (c *crew) joined() bool {
	return !slices.ContainsFunc(c.Nodes, func(n *sim.Node) bool { return len(n.View.Voters) < len(c.Nodes) })
}

// well reports whether the crew is as it should be.
func (c *crew) well() bool {
	var leader, holders int
	first := c.Nodes[0].View
	for _, n := range c.Nodes {
		v := &n.View
		if !n.Up() || len(v.Voters) != len(c.Nodes) || v.Map.Failover != nil || v.Map.Epoch == 0 || v.Map.Index != first.Map.Index ||
			v.Quorum != authority.Full || v.Waiting != "" || v.Leader != first.Leader {
			return false
		}
		if v.Leading {
			leader++
		}
		if n.Holds() {
			holders++
			if n.Self.Witness || n.Self.ID != v.VIP.Holder {
				return false
			}
		}
		epoch, serves := n.Serves()
		if serves == n.Self.Witness || serves && epoch != v.Map.Epoch {
			return false
		}
	}
	return leader == 1 && holders == 1
}

func (c *crew) String() string {
	s := ""
	for _, n := range c.Nodes {
		v := n.View
		epoch, serves := n.Serves()
		s += fmt.Sprintf("node %d: up %v leader %d term %d quorum %s voters %v index %d epoch %d serves %v/%d holds %v waiting %q problems %q failover %+v\n", n.Self.ID, n.Up(),
			v.Leader, v.Term, v.Quorum, v.Voters, v.Map.Index, v.Map.Epoch, serves, epoch, n.Holds(), v.Waiting, v.Problems, v.Map.Failover)
	}
	return s
}
