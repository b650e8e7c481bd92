package authority

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// ownProposal marks the numbers of the Core's own proposals.
const ownProposal = 1 << 63

// Propose wants a command in the log. A Result with that id (below 1<<63) follows, on a node that does not lead as well.
func (c *Core) Propose(now time.Duration, id uint64, cmd clustermap.Command) {
	c.clock(now)
	if err := c.propose(id, cmd); err != nil {
		c.results = append(c.results, Result{ID: id, Err: err})
	}
}

// maxCommand is the most bytes that a command may have.
const maxCommand = 128 << 10

func (c *Core) propose(id uint64, cmd clustermap.Command) error {
	if c.rn == nil || c.quarantined != "" {
		return ErrNoLeader
	}
	if cmd.At.IsZero() {
		cmd.At = c.cfg.wall()
	}
	b, err := json.Marshal(entry{c.cfg.Self.ID, c.cfg.Boot, id, cmd.Encode()})
	switch {
	case err != nil:
		return err
	case len(b) > maxCommand:
		return fmt.Errorf("a command of %d bytes is too long for the log: %d is the most", len(b), maxCommand)
	case c.rn.Propose(b) != nil:
		return ErrNoLeader
	}
	c.waiters[id] = c.now + c.cfg.Patience
	return nil
}

// proposeOwn is for what the leader itself wants. It returns the proposal's number, or 0.
func (c *Core) proposeOwn(cmd clustermap.Command) uint64 {
	c.ownID++
	id := uint64(ownProposal | c.ownID)
	if c.propose(id, cmd) != nil {
		return 0
	}
	return id
}

// finish tells how a proposal ended.
func (c *Core) finish(id uint64, err error) {
	switch id {
	case c.planID:
		c.planID = 0
		if err != nil {
			c.planAt = c.now + planEvery // not at once again
		}
	case c.joinID:
		c.joinID = 0
	}
	if _, ok := c.waiters[id]; !ok {
		return
	}
	delete(c.waiters, id)
	if id&ownProposal == 0 {
		c.results = append(c.results, Result{ID: id, Rev: c.m.Rev(), Err: err})
	}
}

// expire gives up proposals that nobody answered.
func (c *Core) expire() {
	for _, id := range slices.Sorted(maps.Keys(c.waiters)) {
		if c.now >= c.waiters[id] {
			c.finish(id, ErrUnsure)
		}
	}
	for seq, at := range c.sent {
		if c.now-at > c.cfg.Lease {
			delete(c.sent, seq)
		}
	}
}
