package sim_test

import (
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority/sim"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// When the power of the leader's host is cut, the other node that may hold the address and the witness elect one of them
// within two election timeouts (0.6 s) and what a vote takes.
func TestWitnessVotesInTime(t *testing.T) {
	const most = 800 * time.Millisecond
	for seed := range uint64(40) {
		c := newWorld(sim.Setting{Seed: seed + 1, Nodes: 3, Witness: true})
		for _, n := range c.Nodes {
			n.Start()
		}
		c.Until(time.Minute, "a crew that is well, led by no witness", func() bool { return c.well() && c.Nodes[0].View.Leader != 2 })
		led := c.Nodes[0].View.Leader
		c.Run(time.Duration(seed) * 7 * time.Millisecond)
		cut := c.Now
		c.Nodes[led].Off()
		other := c.Nodes[1-led]
		c.Until(10*time.Second, "another leader", func() bool { return other.View.Leader != led && other.View.Leader != clustermap.None })
		if took := c.Now - cut; c.Failed == nil && took > most {
			t.Errorf("seed %d: node %d leads after %v", seed+1, other.View.Leader, took)
		}
		if c.Failed != nil {
			t.Error(c.Failed)
		}
		c.Close()
	}
}
