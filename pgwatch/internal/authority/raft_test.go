package authority_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/common/freeport"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what must come.
const patience = 60 * time.Second

// A crew of nodes with real logs and connections.
type crew struct {
	t       *testing.T
	dir     string
	members []clustermap.Member
	options func(*authority.Options)
	rafts   map[clustermap.NodeID]*authority.Raft
	stops   map[clustermap.NodeID]func() error
}

func newCrew(t *testing.T, n int, options func(*authority.Options)) *crew {
	c := &crew{t: t, dir: t.TempDir(), options: options, rafts: map[clustermap.NodeID]*authority.Raft{}, stops: map[clustermap.NodeID]func() error{}}
	ports := freeport.Ports(t, n)
	for i := range n {
		c.members = append(c.members, clustermap.Member{ID: clustermap.NodeID(i), Host: "127.0.0.1", Port: ports[i]})
	}
	t.Cleanup(func() {
		for id := range c.stops {
			c.stop(id)
		}
	})
	return c
}

func (c *crew) folder(id clustermap.NodeID) string {
	return filepath.Join(c.dir, string('a'+rune(id)))
}

func (c *crew) start(ids ...clustermap.NodeID) {
	c.t.Helper()
	for _, id := range ids {
		m := c.members[id]
		o := authority.Options{Config: authority.Config{Self: m, Nodes: c.members}, Dir: c.folder(id), Key: "secret",
			Listen: net.JoinHostPort(m.Host, itoa(m.Port)), Log: slog.New(slog.DiscardHandler),
			Answer: func(_ context.Context, from clustermap.NodeID, body []byte) []byte {
				return []byte(itoa(int(from)) + " asked " + itoa(int(id)) + " " + string(body))
			}}
		if c.options != nil {
			c.options(&o)
		}
		r, err := authority.Open(o)
		if err != nil {
			c.t.Fatal(err)
		}
		ctx, end := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		var ran error
		wg.Go(func() { ran = r.Run(ctx) })
		c.rafts[id] = r
		c.stops[id] = sync.OnceValue(func() error {
			end()
			wg.Wait()
			return ran
		})
	}
}

// stop ends a node like kill does: it tells nobody.
func (c *crew) stop(id clustermap.NodeID) {
	c.t.Helper()
	if err := c.stops[id](); err != nil {
		c.t.Errorf("node %d: %v", id, err)
	}
	delete(c.stops, id)
	delete(c.rafts, id)
}

// until waits for a View of a node.
func (c *crew) until(id clustermap.NodeID, what string, done func(v *authority.View) bool) authority.View {
	c.t.Helper()
	views, stop := c.rafts[id].Watch()
	defer stop()
	late := time.After(patience)
	for {
		select {
		case v := <-views:
			if done(&v) {
				return v
			}
		case <-late:
			c.t.Fatalf("node %d: not within %v: %s: %+v", id, patience, what, c.rafts[id].View())
		}
	}
}

// leader waits until some node leads and all that run agree, and can be asked for their leases.
func (c *crew) leader() clustermap.NodeID {
	c.t.Helper()
	var led clustermap.NodeID
	for id := range c.rafts {
		v := c.until(id, "a leader", func(v *authority.View) bool { return v.Quorum != authority.NoVote && c.rafts[v.Leader] != nil })
		led = v.Leader
	}
	return led
}

func itoa(i int) string { return strings.TrimSpace(slog.IntValue(i).String()) }

func pause(on bool) clustermap.Command { return clustermap.Command{Pause: &on, By: "test"} }

func TestThreeNodes(t *testing.T) {
	t.Parallel()
	c := newCrew(t, 3, nil)
	c.start(0, 1, 2)
	led := c.leader()
	other := (led + 1) % 3
	third := (led + 2) % 3

	// A follower's proposal goes through the leader, and every node comes to know it.
	rev, err := c.rafts[other].Propose(t.Context(), pause(true))
	if err != nil {
		t.Fatal(err)
	}
	for id := range c.rafts {
		c.until(id, "the pause", func(v *authority.View) bool { return v.Map.Pause != nil && v.Map.Index >= rev.Index })
	}
	stale := pause(false)
	stale.Expect = &clustermap.Rev{Index: rev.Index - 1}
	if _, err := c.rafts[led].Propose(t.Context(), stale); !errors.Is(err, clustermap.ErrStale) {
		t.Errorf("a command for an older map: %v", err)
	}
	answer, err := c.rafts[other].Request(t.Context(), led, []byte("hello"))
	if want := itoa(int(other)) + " asked " + itoa(int(led)) + " hello"; err != nil || string(answer) != want {
		t.Errorf("asked node %d: %q, %v; want %q", led, answer, err, want)
	}

	// The address is with the leader, and moves to the next one when it is gone.
	c.until(led, "the address", func(v *authority.View) bool { return v.VIP.Until > 0 && v.VIP.Holder == led })
	c.stop(led)
	next := c.leader()
	c.until(next, "the address", func(v *authority.View) bool { return v.VIP.Until > 0 && v.VIP.Holder == next })
	if _, err := c.rafts[third].Propose(t.Context(), pause(false)); err != nil {
		t.Fatal(err)
	}

	// One that has lost its log comes back without deciding anything by what it does not know any more.
	if err := os.RemoveAll(c.folder(led)); err != nil {
		t.Fatal(err)
	}
	c.start(led)
	c.until(led, "its vote again", func(v *authority.View) bool {
		return len(v.Voters) == 3 && slices.Contains(v.Voters, led) && v.Map.Pause == nil && v.Quorum == authority.Full
	})
	if now := c.leader(); now != next {
		t.Errorf("node %d leads, not %d: the one that came back took over", now, next)
	}
	c.until(led, "the leadership, given to it", func(v *authority.View) bool {
		if from := c.rafts[v.Leader]; from != nil && v.Leader != led { // on a busy host it may not keep it
			if err := from.Resign(t.Context(), led); err != nil {
				t.Fatal(err)
			}
		}
		return v.Leading
	})
}

func TestLeaveAndReturn(t *testing.T) {
	t.Parallel()
	c := newCrew(t, 2, nil)
	c.start(0, 1)
	led := c.leader()
	other := 1 - led
	for id := range c.rafts {
		c.until(id, "two votes", func(v *authority.View) bool { return len(v.Voters) == 2 })
	}
	if err := c.rafts[led].Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.stop(led)
	c.until(other, "the whole quorum by itself", func(v *authority.View) bool { return v.Leading && len(v.Voters) == 1 && v.Quorum == authority.Full })
	if _, err := c.rafts[other].Propose(t.Context(), pause(true)); err != nil {
		t.Fatal(err)
	}
	c.start(led)
	c.until(led, "its vote again", func(v *authority.View) bool { return len(v.Voters) == 2 && v.Map.Pause != nil && v.Leader == other })

	// The last one may go, too: it takes the vote along.
	if err := c.rafts[other].Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.stop(other)
	if err := c.rafts[led].Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.stop(led)
	c.start(led)
	c.until(led, "what was decided", func(v *authority.View) bool { return v.Leading && v.Map.Pause != nil })
}

func TestHalfOfTheVotes(t *testing.T) {
	t.Parallel()
	c := newCrew(t, 2, func(o *authority.Options) { o.Half = true })
	c.start(0, 1)
	led := c.leader()
	other := 1 - led
	c.until(other, "two votes", func(v *authority.View) bool { return len(v.Voters) == 2 })
	c.stop(led)
	v := c.until(other, "the edge", func(v *authority.View) bool { return v.Leading && v.Quorum == authority.Edge })
	if f := v.Map.Forced; len(f) != 1 || f[0].Node != other {
		t.Errorf("what was forced is not recorded: %+v", f)
	}
	if _, err := c.rafts[other].Propose(t.Context(), pause(true)); err != nil {
		t.Fatal(err)
	}
	c.start(led)
	c.until(led, "its vote again", func(v *authority.View) bool {
		return len(v.Voters) == 2 && v.Map.Pause != nil && v.Quorum == authority.Full
	})
	if now := c.leader(); now != other {
		t.Errorf("node %d leads: the one that came back took over", now)
	}
}

// TestBothWentOn is what half of the votes without an arbiter may lead to, by an operator's hand here: two histories
// that cannot be merged. One node stays quarantined, also when it starts again, until its log is removed.
func TestBothWentOn(t *testing.T) {
	t.Parallel()
	c := newCrew(t, 2, nil)
	c.start(0, 1)
	c.leader()
	for id := range c.rafts {
		c.until(id, "two votes", func(v *authority.View) bool { return len(v.Voters) == 2 })
	}
	c.stop(0)
	if err := c.rafts[1].Force(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	for on := range 4 {
		if _, err := c.rafts[1].Propose(t.Context(), pause(on%2 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	c.stop(1)
	c.start(0)
	if err := c.rafts[0].Force(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	c.start(1)
	c.until(0, "quarantine", func(v *authority.View) bool { return v.Quarantined != "" && v.Quorum == authority.NoVote })
	c.until(1, "the leadership", func(v *authority.View) bool {
		return v.Leading && slices.ContainsFunc(v.Problems, func(p string) bool { return strings.Contains(p, "node 0 is quarantined") })
	})
	c.stop(0)
	c.start(0)
	c.until(0, "quarantine", func(v *authority.View) bool { return v.Quarantined != "" })
	c.stop(0)
	if err := os.RemoveAll(c.folder(0)); err != nil {
		t.Fatal(err)
	}
	c.start(0)
	c.until(0, "its vote again", func(v *authority.View) bool { return len(v.Voters) == 2 && v.Leader == 1 && v.Quarantined == "" })
}

func TestOtherConfiguration(t *testing.T) {
	t.Parallel()
	c := newCrew(t, 2, func(o *authority.Options) {
		if o.Self.ID == 1 {
			o.Nodes = slices.Concat(o.Nodes, []clustermap.Member{{ID: 2, Host: "127.0.0.2", Port: 9000}})
		}
	})
	c.start(0, 1)
	c.until(0, "the difference by name", func(v *authority.View) bool {
		return strings.Contains(v.Waiting, "node 2 is 127.0.0.2:9000 there and missing here")
	})
	if v := c.rafts[0].View(); v.Leader != clustermap.None || len(v.Voters) != 0 {
		t.Errorf("a crew has begun: %+v", v)
	}
}

// TestOne is a crew of one. It needs nobody, and its reports reach its planner.
func TestOne(t *testing.T) {
	t.Parallel()
	c := newCrew(t, 1, func(o *authority.Options) {
		o.Plan = func(s authority.Situation) (p authority.Plan) {
			p.Serve = true
			n := s.Nodes[0]
			switch {
			case n.Age < 0 || n.Report.Arbiters != "reached":
			case len(s.Map.Backends) == 0:
				p.Commands = []clustermap.Command{{Configure: &clustermap.Configure{Cluster: "one", Backends: []clustermap.Backend{{ID: 0, Host: "h"}}}}}
			case s.Map.Epoch == 0:
				p.Commands = []clustermap.Command{{Found: &clustermap.Primary{Backend: 0}}}
			default:
				p.Orders = map[clustermap.NodeID][]report.Order{0: {{Op: report.DoFollow, Epoch: s.Map.Epoch}}}
			}
			return p
		}
	})
	c.start(0)
	c.leader()
	c.rafts[0].SetReport(report.Report{Arbiters: "reached"}, true)
	c.until(0, "a serve lease and an order", func(v *authority.View) bool {
		return v.Serve.Epoch == 1 && v.Serve.Until > 0 && len(v.Orders) == 1 && v.Orders[0].Epoch == 1
	})
	r := c.rafts[0]
	c.stop(0)
	if v := r.View(); v.Leading || v.Serve.Until != 0 || v.VIP.Until != 0 {
		t.Errorf("a node that has stopped: %+v", v)
	}
	if _, err := r.Propose(t.Context(), pause(true)); !errors.Is(err, authority.ErrStopped) {
		t.Errorf("a proposal to a node that has stopped: %v", err)
	}
}

// A lease of a new epoch comes with the epoch, and not with the next request that is due: here that would be in an hour.
func TestLeaseOfANewEpochIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	c := newCrew(t, 1, func(o *authority.Options) { o.Ask = time.Hour })
	c.start(0)
	c.leader()
	for _, cmd := range []clustermap.Command{
		{Configure: &clustermap.Configure{Cluster: "one", Backends: []clustermap.Backend{{ID: 0, Host: "h"}}}},
		{Found: &clustermap.Primary{Backend: 0}},
	} {
		if _, err := c.rafts[0].Propose(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
	}
	c.until(0, "a lease of the first epoch", func(v *authority.View) bool { return v.Serve.Epoch == 1 && v.Serve.Until > 0 })
}
