package sim_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority/sim"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// TestSeeds runs PGCREW_SEEDS worlds (500), or only the one of PGCREW_SEED.
func TestSeeds(t *testing.T) {
	if one := os.Getenv("PGCREW_SEED"); one != "" {
		seed, err := strconv.ParseUint(one, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		c := newCrew(seed)
		defer c.Close()
		c.live()
		for _, line := range c.Trace() {
			t.Log(line)
		}
		t.Log(c)
		if c.Failed != nil {
			t.Fatal(c.Failed)
		}
		return
	}
	seeds, err := strconv.ParseUint(cmp(os.Getenv("PGCREW_SEEDS"), "500"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		c := newCrew(seed)
		c.live()
		c.Close()
		if c.Failed != nil {
			t.Errorf("%v (PGCREW_SEED=%d shows how)", c.Failed, seed)
		}
	}
}

func cmp(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// A crew is a World with a model of what the nodes decide: a failover now and then.
type crew struct {
	*sim.World
	check *sim.Check
	bad   int  // the primary that is to be replaced, or none
	wiped bool // one disk was lost; no other one may be
}

func newCrew(seed uint64) *crew {
	c := &crew{bad: clustermap.None}
	c.World = sim.New(sim.Setting{
		Seed: seed, Nodes: 3, Witness: seed%3 == 0,
		Plan: func(n *sim.Node) func(authority.Situation) authority.Plan { return c.plan },
		Report: func(n *sim.Node) report.Report {
			return report.Report{Node: n.Self.ID, Epoch: n.View.Map.Epoch, Closed: n.Closed}
		},
		Seen: func(n *sim.Node, v *authority.View) {
			c.check.Seen(n, v)
			// Some routers close when they hear of a failover, and say so.
			if f := v.Map.Failover; f != nil && (int(f.ID)+int(n.Self.ID))%2 == 0 {
				n.Closed = max(n.Closed, f.Epoch)
			}
		},
		Step: func() { c.check.Step() },
	})
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
	c.Log("peace")
	c.Net.Heal()
	c.check.Split(nil)
	c.bad = clustermap.None
	for _, n := range c.Nodes {
		n.Freeze(0)
		n.Start()
	}
	c.Until(15*time.Second, "peace", c.well)
	if c.Failed == nil {
		c.Run(time.Second)
		if !c.well() && c.Failed == nil {
			c.Fail("peace did not last")
		}
	}
}

// fault makes something go wrong.
func (c *crew) fault() {
	n := c.Nodes[c.Rand.IntN(len(c.Nodes))]
	switch c.Rand.IntN(16) {
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
		c.check.Split(func(i int) bool { return i != one })
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
		if !c.wiped && c.joined() {
			c.Log("node %d loses its disk", n.Self.ID)
			c.wiped = true
			n.Kill()
			n.Disk.Wipe()
			c.check.Forget(n.Self.ID)
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
