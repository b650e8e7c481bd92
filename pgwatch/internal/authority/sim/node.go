package sim

import (
	"math"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// A Node is a process on a host of its own.
type Node struct {
	w    *World
	Self clustermap.Member
	all  []clustermap.Member
	Disk *Disk
	Core *authority.Core // nil while the process is down
	View authority.View  // the newest, also after the process has ended: leases live on

	Results map[uint64]authority.Result // of Propose
	ids     uint64

	offset  time.Duration // of its clock
	drift   float64
	life    int           // counts starts and ends
	saving  bool          // it waits for its disk
	frozen  time.Duration // it is stopped until then
	waiting []func(now time.Duration)
	woken   bool // something will work off what waits
}

// Clock is what the node's clock shows.
func (n *Node) Clock() time.Duration {
	return n.offset + n.w.Now + time.Duration(math.Round(float64(n.w.Now)*n.drift))
}

// Up reports whether the process runs, be it stopped.
func (n *Node) Up() bool { return n.Core != nil }

// Serves reports whether routers of this host may write now, and in which epoch.
func (n *Node) Serves() (uint64, bool) { return n.View.Serve.Epoch, n.Clock() < n.View.Serve.Until }

// Holds reports whether this host may have the virtual address now.
func (n *Node) Holds() bool { return n.Clock() < n.View.VIP.Until }

// Start starts the process.
func (n *Node) Start() {
	if n.Core != nil || n.w.Failed != nil {
		return
	}
	n.life++
	cfg := authority.Config{Self: n.Self, Nodes: n.all, Boot: n.w.Rand.Uint64() | 1, Half: n.w.Half, Arbiters: n.w.Half, KeepEntries: 20}
	if n.w.Plan != nil {
		cfg.Plan = n.w.Plan(n)
	}
	c, err := authority.New(cfg, n.Disk.state, n.Clock())
	if err != nil {
		n.w.Fail("node %d does not start: %v", n.Self.ID, err)
		return
	}
	n.w.Log("node %d starts", n.Self.ID)
	n.Core, n.waiting, n.woken, n.saving, n.frozen = c, nil, false, false, 0
	n.Results = map[uint64]authority.Result{}
	n.tick(n.life, 0)
	n.reach(true)
}

// tick is the node's timer.
func (n *Node) tick(life, count int) {
	if n.life != life {
		return
	}
	n.input(func(now time.Duration) {
		if n.w.Report != nil && count%5 == 0 {
			n.Core.Report(now, n.w.Report(n), false)
		}
		n.Core.Tick(now)
	})
	n.w.After(20*time.Millisecond, func() { n.tick(life, count+1) })
}

// reach tells the nodes that can be reached that this one has come or gone.
func (n *Node) reach(up bool) {
	for _, o := range n.w.Nodes {
		if o == n || o.Core == nil || !n.w.Net.Reaches(int(n.Self.ID), int(o.Self.ID)) || !n.w.Net.Reaches(int(o.Self.ID), int(n.Self.ID)) {
			continue
		}
		life, mine := o.life, n.life
		n.w.After(n.w.between(time.Millisecond, 10*time.Millisecond), func() {
			switch {
			case o.life != life || n.life != mine:
			case up:
				o.input(func(now time.Duration) { o.Core.Up(now, n.Self.ID) })
				n.input(func(now time.Duration) { n.Core.Up(now, o.Self.ID) })
			default:
				o.input(func(now time.Duration) { o.Core.Gone(now, n.Self.ID) })
			}
		})
	}
}

// Kill ends the process; its host tells those who ask.
func (n *Node) Kill() {
	if n.Core != nil {
		n.off("is killed")
		n.reach(false)
	}
}

// Leave stops the process in order: as soon as the crew can do without it, or when limit has passed.
func (n *Node) Leave(limit time.Duration) {
	if n.Core == nil {
		return
	}
	n.w.Log("node %d leaves", n.Self.ID)
	n.Do(func(now time.Duration, c *authority.Core) { c.Leave(now) })
	life, end := n.life, n.w.Now+limit
	var look func()
	look = func() {
		switch {
		case n.life != life:
		case n.View.Left || n.w.Now >= end:
			n.Kill()
		default:
			n.w.After(5*time.Millisecond, look)
		}
	}
	look()
}

// Off cuts the power: nobody is told.
func (n *Node) Off() {
	if n.Core != nil {
		n.off("loses its power")
	}
}

func (n *Node) off(how string) {
	n.w.Log("node %d %s", n.Self.ID, how)
	n.life++
	n.Core = nil
}

// Freeze stops the process for a while.
func (n *Node) Freeze(d time.Duration) {
	if n.Core != nil {
		n.w.Log("node %d is stopped for %v", n.Self.ID, d)
		n.frozen = n.w.Now + d
	}
}

// Propose wants a command in the log. The result will be in Results.
func (n *Node) Propose(cmd clustermap.Command) (id uint64) {
	n.ids++
	id = n.ids
	n.input(func(now time.Duration) { n.Core.Propose(now, id, cmd) })
	return id
}

// Do calls f with the node's Core when it can.
func (n *Node) Do(f func(now time.Duration, c *authority.Core)) {
	n.input(func(now time.Duration) { f(now, n.Core) })
}

// input gives something to the Core, when the process neither is stopped nor writes.
func (n *Node) input(f func(now time.Duration)) {
	if n.Core == nil {
		return
	}
	n.waiting = append(n.waiting, f)
	n.wake()
}

func (n *Node) wake() {
	if n.woken || n.saving || n.Core == nil {
		return
	}
	if n.frozen > n.w.Now {
		n.woken = true
		n.thaw(func() {
			n.woken = false
			n.wake()
		})
		return
	}
	for len(n.waiting) > 0 && n.Core != nil && !n.saving {
		f := n.waiting[0]
		n.waiting = n.waiting[1:]
		f(n.Clock())
		n.work()
	}
}

// thaw calls f in this life of the process as soon as it is not stopped.
func (n *Node) thaw(f func()) {
	life := n.life
	n.w.After(min(max(n.frozen-n.w.Now, 0), 20*time.Millisecond), func() { // it may be let go earlier
		switch {
		case n.life != life:
		case n.frozen > n.w.Now:
			n.thaw(f)
		default:
			f()
		}
	})
}

// work does what the Core wants done, until it has to wait for the disk.
func (n *Node) work() {
	for n.Core != nil && n.w.Failed == nil {
		out, more := n.Core.Next(n.Clock())
		if !more {
			return
		}
		if out.Err != nil {
			n.w.Fail("node %d stops: %v", n.Self.ID, out.Err)
			return
		}
		if out.Quarantine != "" {
			n.w.Log("node %d is quarantined: %s", n.Self.ID, out.Quarantine)
			n.Disk.state.Quarantined = out.Quarantine
		}
		if out.Save == nil {
			n.deliver(out)
			continue
		}
		d := n.w.between(200*time.Microsecond, 3*time.Millisecond)
		if n.w.Rand.IntN(50) == 0 {
			d += n.w.between(0, 100*time.Millisecond)
		}
		early := n.w.Rand.IntN(2) == 0
		if early {
			n.Disk.Save(out.Save) // it is on disk at once: a crash loses the messages only
		}
		n.saving = true
		life := n.life
		n.w.After(d, func() {
			if n.life != life {
				return
			}
			n.thaw(func() {
				if !early {
					n.Disk.Save(out.Save)
				}
				n.saving = false
				n.deliver(out)
				n.work()
				n.wake()
			})
		})
		return
	}
}

func (n *Node) deliver(out authority.Output) {
	for _, r := range out.Results {
		n.Results[r.ID] = r
	}
	if out.View != nil {
		n.View = *out.View
		if n.w.Seen != nil {
			n.w.Seen(n, out.View)
		}
	}
	for _, l := range out.Messages {
		n.w.Net.send(int(n.Self.ID), l)
	}
}
