package cluster

import (
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
)

// guide is what pgwatch has told, when there is one. It is pure.
//
// With a gate, a server takes writes only while pgwatch grants this host the lease for the present epoch: on the losing
// side of a cut network the old primary is then left alone after one lease, whatever the servers themselves say.
type guide struct {
	gate    bool // writes need a lease
	heard   bool // a snapshot has come
	epoch   uint64
	primary int // of epoch; -1 for none
	sysid   string
	line    uint32 // timeline of the primary's beginning
	states  map[int]event.Backend

	serve uint64        // epoch of the newest lease; 0 when the last tick brought none
	until time.Duration // since boot: when all leases that ever came are over
}

func newGuide(gate bool) *guide {
	return &guide{gate: gate, primary: -1, states: map[int]event.Backend{}}
}

// lost forgets the stream, but not the lease: it ends by itself.
func (g *guide) lost() {
	if !g.gate {
		g.heard, g.states = false, map[int]event.Backend{}
	}
}

// take follows one event that is so old.
func (g *guide) take(e event.Event, age time.Duration, now time.Duration) error {
	switch e.Type {
	case event.TypeSnapshot:
		d, err := event.Decode[event.Snapshot](e)
		if err != nil {
			return err
		}
		g.heard, g.states, g.primary, g.sysid, g.line = true, map[int]event.Backend{}, -1, "", 0
		g.epoch = max(g.epoch, d.Map.Epoch)
		for _, b := range d.Map.Backends {
			g.states[b.ID] = b
		}
		if p := d.Map.Primary; p != nil && d.Map.Epoch >= g.epoch {
			g.rule(*p)
		}
	case event.TypePrimary:
		d, err := event.Decode[event.Primary](e)
		if err != nil {
			return err
		}
		if d.Epoch >= g.epoch { // an older one is of a history that is over
			g.rule(d)
		}
	case event.TypeBackend:
		d, err := event.Decode[event.Backend](e)
		if err != nil {
			return err
		}
		g.states[d.ID] = d
		if d.State == "unused" {
			delete(g.states, d.ID)
		}
	case event.TypeTick:
		d, err := event.Decode[event.Tick](e)
		if err != nil {
			return err
		}
		g.tick(d, age, now)
	}
	return nil
}

func (g *guide) rule(p event.Primary) {
	g.epoch, g.primary, g.sysid, g.line = p.Epoch, p.ID, p.SysID, p.Timeline
}

// tick renews the lease, or takes it back. What is left of it counts from the tick's making.
func (g *guide) tick(t event.Tick, age, now time.Duration) {
	g.serve = 0
	if t.Serve == nil || t.Quorum == event.QuorumNone {
		return
	}
	if left := time.Duration(t.Serve.TTLMS)*time.Millisecond - age; left > 0 {
		g.serve = t.Serve.Epoch
		g.until = max(g.until, now+left)
	}
}

// left is how long to wait for the end of the lease.
func (g *guide) left(now time.Duration) time.Duration {
	if g == nil || !g.gate || now >= g.until {
		return time.Hour
	}
	return g.until - now
}

// open tells whether writes may begin now.
func (g *guide) open(now time.Duration) bool {
	return !g.gate || g.heard && g.serve == g.epoch && g.epoch > 0 && now < g.until
}

// over tells whether what is under way must not go on either.
func (g *guide) over(now time.Duration) bool { return g.gate && now >= g.until }

// apply lays the guide over what the servers themselves tell: m and its members come from resolve.
func (g *guide) apply(m *Map, members []*member, now time.Duration) {
	if g.gate {
		m.Epoch = g.epoch
		m.Primary = -1
	}
	for i := range m.Nodes {
		n := &m.Nodes[i]
		b, known := g.states[n.ID]
		if known && (b.State == "quarantine" || b.State == "down") && n.ID != g.primary {
			n.Up, n.Status = false, Down
			n.Err = fmt.Sprintf("pgwatch says: %s %s", b.State, b.Reason)
		}
		if !g.gate {
			continue
		}
		switch {
		case n.ID != g.primary:
			if n.PGRole == Primary {
				n.Up, n.Fenced, n.Role = false, true, Standby
				n.Err = fmt.Sprintf("it takes writes although node %d is the primary in epoch %d", g.primary, g.epoch)
			}
		case g.foreign(members[i]) != "":
			n.Up, n.Fenced, n.Err = false, true, g.foreign(members[i])
		default:
			g.admit(m, n, members[i], now)
		}
	}
}

// admit lets the primary have sessions while the gate is open.
func (g *guide) admit(m *Map, n *Node, mem *member, now time.Duration) {
	n.Role = Primary
	usable := mem.usable() && (mem.alwaysPrimary || mem.sample != nil && !mem.sample.Standby)
	switch {
	case !g.open(now):
		n.Up, n.Fenced = false, g.over(now)
		n.Err = "pgwatch has not renewed the lease under which routers of this host may write"
	case usable:
		n.Up, m.Primary = true, n.ID
	default:
		n.Up = false
	}
}

// foreign says why a server cannot be the primary that pgwatch means.
func (g *guide) foreign(m *member) string {
	s := m.sample
	switch {
	case s == nil || s.Standby:
		return ""
	case g.sysid != "" && s.System != "" && s.System != g.sysid:
		return fmt.Sprintf("it belongs to another cluster: its system identifier is %s, not %s", s.System, g.sysid)
	case g.line != 0 && s.Timeline != 0 && s.Timeline < g.line:
		return fmt.Sprintf("it is on timeline %d, and the primary of epoch %d on %d: it was replaced", s.Timeline, g.epoch, g.line)
	}
	return ""
}
