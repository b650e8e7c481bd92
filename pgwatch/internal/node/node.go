package node

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/common/tool"
	"github.com/pgcrew/pgcrew/pgwatch/internal/agent"
	"github.com/pgcrew/pgcrew/pgwatch/internal/arbiter"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/gossip"
	"github.com/pgcrew/pgcrew/pgwatch/internal/hub"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A Crew is the authority as a node uses it. authority.Raft is one.
type Crew interface {
	// Run takes part until ctx ends, or this node cannot go on.
	Run(ctx context.Context) error
	View() authority.View
	// Watch delivers the present View and then newer ones; who is slow gets the newest. stop must be called.
	Watch() (views <-chan authority.View, stop func())
	Propose(ctx context.Context, c clustermap.Command) (clustermap.Rev, error)
	// Request asks another node, which answers by Config.Answer.
	Request(ctx context.Context, to clustermap.NodeID, body []byte) ([]byte, error)
	SetReport(r report.Report, urgent bool)
	RemoveVoter(ctx context.Context, id clustermap.NodeID) error
	Force(ctx context.Context, reason string) error
	// Resign hands leadership over, to the best node when to is clustermap.None, as far as that can be done before ctx ends.
	Resign(ctx context.Context, to clustermap.NodeID) error
	// Leave hands leadership over and gives up this node's vote, as far as that can be done before ctx ends.
	Leave(ctx context.Context) error
}

// A Node is one pgwatch.
type Node struct {
	*Settings
	log       *slog.Logger
	clock     func() time.Duration
	version   string
	crew      Crew
	hub       *hub.Hub
	observer  *observer
	programs  *agent.Programs
	gossip    *gossip.Gossip // nil without heartbeat_port
	planner   planner
	roster    *roster
	latest    atomic.Pointer[Settings] // as last reloaded; Settings stay those of the start
	began     time.Time
	idleSlots atomic.Pointer[[]string]  // problems with them, as last looked; nil before
	stop      context.CancelFunc        // ends Run in order
	read      func() (*Settings, error) // everything anew
	reading   sync.Mutex
}

// Options are what a Node takes from its program.
type Options struct {
	Log     *slog.Logger
	Version string
	Bin     string   // folder of pgpromote and pgrecover
	Events  *os.File // for the stream on standard output; nil for none
	Ready   func()   // called when the node takes part

	Hangup <-chan os.Signal          // SIGHUP: reload
	Reload func() (*Settings, error) // reads everything anew; called after a Hangup
}

// Run watches until ctx ends; then it leaves the crew in order.
func Run(ctx context.Context, s *Settings, o Options) error {
	boot, err := event.BootID()
	if err != nil {
		return err
	}
	n := &Node{Settings: s, log: o.Log, version: o.Version, began: time.Now(), read: o.Reload}
	ctx, n.stop = context.WithCancel(ctx)
	defer n.stop()
	s.Self.System = systemName()
	n.clock = func() time.Duration { d, _ := event.SystemClock(); return d }
	dir := filepath.Join(s.Config.String("state_directory"), fmt.Sprintf("node%d", s.Self.ID))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("state_directory: %w", err)
	}
	n.hub = hub.New(hub.Config{
		Origin: event.Origin{Node: s.name(s.Self.ID), Boot: boot},
		Clock:  event.SystemClock,
		Hello:  event.Hello{VMin: event.Version, VMax: event.Version, TickMS: tickEvery.Milliseconds(), LeaseMS: leaseTime.Milliseconds()},
		Snapshot: func() (event.Snapshot, event.At) {
			v := n.crew.View()
			return s.snapshot(&v, n.sight()), at(&v)
		},
	})
	n.gossip = newGossip(s.Heartbeat, o.Log)
	n.latest.Store(s)
	if err := n.observe(dir, o); err != nil {
		return err
	}
	if err := n.join(dir); err != nil {
		return err
	}
	server, err := control.Listen(filepath.Join(tool.RunDirectory(s.Config), SocketName), 0o660)
	if err != nil {
		return err
	}
	return n.run(ctx, server, o)
}

// observe prepares what looks at servers and acts on them.
func (n *Node) observe(dir string, o Options) error {
	c := n.Config
	n.observer = newObserver(n.Self.ID, n.clock)
	n.programs = &agent.Programs{Promoter: filepath.Join(o.Bin, "pgpromote"), Recoverer: filepath.Join(o.Bin, "pgrecover"), Config: c.Path(),
		Local: func(id int) bool { return n.latest.Load().Local[id] }, Log: n.log}
	probes, hands := n.watched()
	n.observer.setAll(probes)
	servers, interfaces := c.List("trusted_servers"), c.List("wd_monitoring_interfaces_list")
	if len(servers)+len(interfaces) > 0 {
		n.observer.asked = &arbiter.Settings{Servers: servers, Interfaces: interfaces, Command: c.String("trusted_server_command"), Path: c.String("ping_path"),
			Every: min(c.Duration("wd_interval"), arbiterEvery), Limit: arbiterLimit}
	}
	var err error
	n.observer.agent, err = agent.New(agent.Config{
		Dir: dir, Backends: hands, Hands: n.programs, Log: n.log, Changed: n.observer.ring,
		Hook: func(ctx context.Context, o report.Order) error { return runHook(ctx, n.latest.Load().Config, n.log, o) },
	})
	return err
}

// How often trusted_servers are asked at most, and how long an answer may take.
const (
	arbiterEvery = time.Second
	arbiterLimit = 3 * time.Second
)

// join prepares the authority.
func (n *Node) join(dir string) (err error) {
	n.planner.policy.Store(failover.FromConfig(n.Config))
	n.planner.tell = func(s authority.Situation, note failover.Note) {
		n.log.Warn(note.Reason, "event", note.Type, "backend", note.Backend)
		n.hub.Publish(payload(note), event.At{Index: s.Map.Index, Term: s.Term, Epoch: s.Map.Epoch})
	}
	n.roster = newRoster(filepath.Join(dir, "backends.json"), n.Backends, n.log)
	n.crew, err = newCrew(n.Settings, dir, n.log, n.roster.configured(n.planner.plan), n.serveOrder)
	return err
}

// leaveLimit is how long a node that stops tries to hand over what it has.
const leaveLimit = 3 * time.Second

// run runs everything until ctx ends.
func (n *Node) run(ctx context.Context, server *control.Server, o Options) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var wg sync.WaitGroup
	failed := make(chan error, 2)
	views, stop := n.crew.Watch()
	defer stop()
	wg.Go(func() { failed <- n.crew.Run(life) })
	wg.Go(func() {
		n.observer.run(life, func() uint64 { v := n.crew.View(); return v.Map.Epoch }, n.crew.SetReport)
	})
	wg.Go(func() { n.obey(life) })
	wg.Go(func() { n.reloads(life, o.Hangup) })
	wg.Go(func() { n.tellTraps(life) })
	wg.Go(func() { n.dropLeftSlots(life) })
	if names := n.Config.List("wd_monitoring_interfaces_list"); len(names) > 0 {
		wg.Go(func() { n.monitor(life, names) })
	}
	p := &publisher{Settings: n.Settings, tell: n.hub.Publish, lead: func(leading bool) {
		wg.Go(func() { escalate(life, n.latest.Load().Config, n.log, leading) })
	}, opine: func(v authority.View, s sight) {
		if n.gossip != nil {
			n.gossip.Tell(n.opinion(&v, &s))
		}
	}}
	wg.Go(func() { p.run(life, views, n.sight, n.clock) })
	if n.gossip != nil {
		wg.Go(func() { n.gossip.Run(life) })
	}
	wg.Go(func() {
		if err := server.Serve(life, n.handle); err != nil {
			n.log.Error("the control socket is closed", "err", err)
		}
	})
	if o.Events != nil {
		// Its reader may go, as in pgwatch run | head; the node does not.
		wg.Go(func() {
			if err := n.hub.Serve(life, o.Events, nil); err != nil {
				n.log.Warn("nobody reads the events on standard output any more", "err", err)
			}
		})
	}
	n.log.Info("pgwatch watches", "version", n.version, "node", n.name(n.Self.ID), "witness", n.Self.Witness)
	o.Ready()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		n.leave()
	}
	n.hub.Close("pgwatch stops")
	end()
	wg.Wait()
	if err == nil {
		err = <-failed
	}
	return err
}

// obey hands the orders of each View to the agent.
func (n *Node) obey(ctx context.Context) {
	views, stop := n.crew.Watch()
	defer stop()
	before := authority.View{Leader: clustermap.None}
	for {
		select {
		case <-ctx.Done():
			return
		case v := <-views:
			n.roster.settle(&v)
			n.observer.agent.Obey(v.Orders, v.Map.Promised)
			if pressing(&before, &v) {
				n.observer.rush()
			}
			before = v
		}
	}
}

// pressing tells whether each answer of a server counts now: a new leader has to know whether the primary lives before routers
// may write, and a failover goes on when its candidate has replayed what it has, or takes writes.
func pressing(before, v *authority.View) bool {
	f := v.Map.Failover
	return v.Leader != before.Leader && v.Leader != clustermap.None ||
		f != nil && (f.State == clustermap.CatchUp || f.State == clustermap.Promote || f.State == clustermap.Open)
}

// leave hands leadership and address over.
func (n *Node) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	if err := n.crew.Leave(ctx); err != nil {
		n.log.Warn("this node could not leave in order; the others will notice that it is gone", "err", err)
	}
}
