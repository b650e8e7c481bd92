package authority

import (
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// A Config says who a node is and how patient it is. Durations that are zero get their defaults.
type Config struct {
	Self  clustermap.Member   // this node; its priority, router port and being a witness are told to the others
	Nodes []clustermap.Member // all nodes of the configuration, this one too; ID, Host and Port are used, the same list on every node
	Boot  uint64              // random, never 0, new with each start of the process

	Election  time.Duration // 300 ms: silence of the leader after which another one is elected
	Heartbeat time.Duration // 60 ms
	Ask       time.Duration // 250 ms: between two requests for leases
	Lease     time.Duration // 2 s: counted from the moment the request was sent
	Patience  time.Duration // 2 s: how long a proposal may take

	Half        bool          // enable_consensus_with_half_votes: half of the votes are enough when the others are dead
	HalfSilence time.Duration // 3 s: silence that counts as death there
	HalfGone    time.Duration // 100 ms: the same after the process was seen to be gone
	Arbiters    bool          // trusted_servers are configured: half of the votes count only where reports say that one is reached

	VIPAtPrimary bool // the virtual address goes to the node beside the primary, not to the leader
	KeepEntries  int  // 1000: entries of the log between two snapshots

	Plan func(Situation) Plan // decides on the leader; nil: nothing is decided and routers may write in whatever the Map says. It must be pure.
	Wall func() time.Time     // for people who read the Map later; nil: times stay empty
}

// raftTick is how long a tick of the raft library is.
const raftTick = 20 * time.Millisecond

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		p *time.Duration
		d time.Duration
	}{
		{&c.Election, 300 * time.Millisecond}, {&c.Heartbeat, 60 * time.Millisecond}, {&c.Ask, 250 * time.Millisecond},
		{&c.Lease, 2 * time.Second}, {&c.Patience, 2 * time.Second},
		{&c.HalfSilence, 3 * time.Second}, {&c.HalfGone, 100 * time.Millisecond},
	} {
		if *d.p == 0 {
			*d.p = d.d
		}
	}
	if c.KeepEntries == 0 {
		c.KeepEntries = 1000
	}
	return c
}

// surely is how long after a request a lease is over by every clock: clocks may differ by one in a hundred.
func (c *Config) surely() time.Duration { return c.Lease + c.Lease/100 + 100*time.Millisecond }

func (c *Config) wall() time.Time {
	if c.Wall == nil {
		return time.Time{}
	}
	return c.Wall()
}
