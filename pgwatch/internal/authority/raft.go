package authority

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/link"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
	"github.com/pgcrew/pgcrew/pgwatch/internal/wal"
)

// Options are what a Raft needs besides its Core.
type Options struct {
	Config // Boot and Wall may be left out

	Dir    string // of the log; made when it is missing
	Key    string // wd_authkey
	Listen string // host:port for the other nodes
	Log    *slog.Logger

	// Answer carries out a request of another node; nil: there are none. It is called in goroutines of its own, and its
	// context ends with Run.
	Answer func(ctx context.Context, from clustermap.NodeID, body []byte) []byte
}

// A Raft is a node of a crew: a Core with its clock, its log on disk and its connections. A crew of one works without
// any of the others.
type Raft struct {
	opt  Options
	core *Core // Run's
	log  *wal.Log
	link *link.Link

	inbox    inbox
	board    board
	requests requests
	ended    chan struct{} // closed when Run has returned

	mu      sync.Mutex
	asked   uint64
	waiters map[uint64]chan Result
}

// ErrStopped is what is returned when Run has ended.
var ErrStopped = errors.New("this node takes no part any more")

// quarantineName is the file beside the log that says why this node must not take part.
const quarantineName = "quarantined"

// Open opens the log and listens. Its errors name the folder or the address. Run must follow.
func Open(o Options) (*Raft, error) {
	if o.Boot == 0 {
		o.Boot = rand.Uint64() | 1
	}
	if o.Wall == nil {
		o.Wall = time.Now
	}
	r := &Raft{opt: o, waiters: map[uint64]chan Result{}, ended: make(chan struct{}), inbox: inbox{bell: make(chan struct{}, 1)}}
	r.requests.pending = map[uint64]pending{}
	log, st, err := wal.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := r.prepare(log, st); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return r, nil
}

func (r *Raft) prepare(log *wal.Log, st wal.State) error {
	why, err := os.ReadFile(filepath.Join(r.opt.Dir, quarantineName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	now, err := boottime()
	if err != nil {
		return err
	}
	if st.Cut > 0 {
		r.opt.Log.Warn("the last record of the log was torn and is cut off: it had promised nothing", "dir", r.opt.Dir, "bytes", st.Cut)
	}
	state := State{Hard: st.HardState, Snapshot: st.Snapshot, Entries: st.Entries, Quarantined: string(why)}
	if r.core, err = New(r.opt.Config, state, now); err != nil {
		return fmt.Errorf("%s: %w", r.opt.Dir, err)
	}
	r.log = log
	r.link, err = link.New(link.Config{
		Self: r.opt.Self.ID, Cluster: r.core.m.Cluster, Key: r.opt.Key, Listen: r.opt.Listen,
		Boot: strconv.FormatUint(r.opt.Boot, 16), Log: r.opt.Log, Jitter: rand.Float64,
	}, (*handler)(r))
	if err != nil {
		return err
	}
	r.board.publish(r.core.view())
	return nil
}

// boottime is the time since boot, which goes on while the host is suspended.
func boottime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0, fmt.Errorf("clock_gettime(CLOCK_BOOTTIME): %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// Run takes part until ctx ends, which is no error, or until this node cannot go on: its disk fails, or its log does
// not fit those of the others. It is called once.
func (r *Raft) Run(ctx context.Context) error {
	defer close(r.ended)
	r.reach(new(r.View()))
	ctx, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var linkErr error
	wg.Go(func() { linkErr = r.link.Run(ctx) })
	r.requests.begin(ctx)
	err := r.loop(ctx)
	end()
	wg.Wait()
	r.requests.wait()
	r.stopServing()
	return errors.Join(err, linkErr, r.log.Close())
}

// stopServing takes the leases out of the last View: nobody renews them.
func (r *Raft) stopServing() {
	v := r.View()
	v.Leader, v.Leading, v.Quorum, v.Serve, v.VIP.Until = clustermap.None, false, NoVote, Serve{}, 0
	r.board.publish(v)
}

func (r *Raft) loop(ctx context.Context) error {
	tick := time.NewTicker(raftTick)
	defer tick.Stop()
	for {
		now, err := boottime()
		if err != nil {
			return err
		}
		for _, f := range r.inbox.take() {
			f(now, r.core)
		}
		r.core.Tick(now)
		if err := r.work(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-r.inbox.bell:
		}
	}
}

// work does what the Core wants done.
func (r *Raft) work() error {
	for {
		now, err := boottime()
		if err != nil {
			return err
		}
		out, more := r.core.Next(now)
		switch {
		case out.Err != nil:
			return fmt.Errorf("%w; stop this node, remove %s, and let it join again", out.Err, r.opt.Dir)
		case !more:
			return nil
		}
		if out.Quarantine != "" {
			if err := r.keep(out.Quarantine); err != nil {
				return err
			}
		}
		if s := out.Save; s != nil {
			if err := r.log.Save(s.Hard, s.Entries, s.Snapshot); err != nil {
				return err
			}
		}
		for _, l := range out.Messages {
			r.link.Send(l.To, l.Message)
		}
		for _, res := range out.Results {
			r.answer(res)
		}
		if out.View != nil {
			r.reach(out.View)
			r.board.publish(*out.View)
		}
	}
}

// keep notes that this node is quarantined, so that it stays so.
func (r *Raft) keep(why string) error {
	r.opt.Log.Error("this node is quarantined: "+why, "dir", r.opt.Dir)
	f, err := os.Create(filepath.Join(r.opt.Dir, quarantineName))
	if err != nil {
		return err
	}
	_, err = f.WriteString(why)
	return errors.Join(err, f.Sync(), f.Close())
}

// reach tells the link who the others are. Where the configuration and the Map differ, the configuration is newer.
func (r *Raft) reach(v *View) {
	peers := map[clustermap.NodeID]string{}
	for _, nodes := range [][]clustermap.Member{v.Map.Members, r.opt.Nodes} {
		for _, n := range nodes {
			peers[n.ID] = net.JoinHostPort(n.Host, strconv.Itoa(n.Port))
		}
	}
	r.link.SetPeers(peers)
	r.link.SetCluster(v.Map.Cluster)
}

// View is what this node knows now.
func (r *Raft) View() View { return r.board.view() }

// Watch delivers the present View and then newer ones; who is slow gets the newest. stop must be called.
func (r *Raft) Watch() (views <-chan View, stop func()) { return r.board.watch() }

// SetReport takes what this node sees. If it is urgent the leader is told at once.
func (r *Raft) SetReport(rep report.Report, urgent bool) {
	r.inbox.put(func(now time.Duration, c *Core) { c.Report(now, rep, urgent) })
}

// handler is a Raft as its link sees it.
type handler Raft

func (h *handler) Receive(from clustermap.NodeID, m link.Message) {
	switch m.Kind {
	case link.Raft, link.Ask, link.Grant:
		h.inbox.offer(func(now time.Duration, c *Core) { c.Receive(now, from, m) })
	case link.Request:
		h.requests.serve(from, m.Body, h.opt.Answer, h.link.Send)
	case link.Answer:
		h.requests.answered(from, m.Body, h.opt.Boot)
	}
}

func (h *handler) Up(peer clustermap.NodeID) {
	h.inbox.put(func(now time.Duration, c *Core) { c.Up(now, peer) })
}

func (h *handler) Gone(peer clustermap.NodeID) {
	h.inbox.put(func(now time.Duration, c *Core) { c.Gone(now, peer) })
}
