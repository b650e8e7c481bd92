package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgcrew/pgcrew/common/config"
	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/common/passwd"
)

// Options is what Standalone needs besides the configuration.
type Options struct {
	Log        *slog.Logger // nil: the default logger
	BackendTLS *tls.Config  // for connections to servers; nil: none. A server without TLS gets a plain connection.
	Key        *passwd.Key  // for passwords of the form AES... in the configuration; may be nil
	SocketDirs []string     // where servers of this host put their Unix sockets; nil: SocketDirs
	Watcher    *Watcher     // the pgwatch of this host; nil: there is none
}

// Standalone is a Cluster that asks the servers themselves. It never promotes, fences or runs a hook: a server that does
// not answer gets no sessions, and gets them again when it answers. When there is a Watcher, pgwatch says which one is
// the primary, and whether it may be written to.
//
// It holds one connection to each server as sr_check_user (or health_check_user), looks at role and replay position
// each second or as often as sr_check_period says, and makes the configured health checks beside that.
type Standalone struct {
	board
	log     *slog.Logger
	options Options

	settings atomic.Pointer[settings]
	reloaded chan struct{}
	changes  chan change
	reports  chan mishap
	crew     atomic.Pointer[map[int]*worker] // replaced as a whole by Run

	used     [config.MaxNode + 1]atomic.Bool
	usedBell chan struct{}

	ready     chan struct{} // closed when each server was looked at once
	readyOnce sync.Once
}

// change is something that was learned of a server.
type change struct {
	id      int // of the server; -1 for what pgwatch told
	sampled bool
	guided  bool // pgwatch named a primary
	apply   func(*state)
}

// worker is the goroutines of one backend.
type worker struct {
	backend
	how     follow
	health  health
	follow  *follower
	checker *checker
	stop    context.CancelFunc
}

var _ Cluster = (*Standalone)(nil)

// NewStandalone prepares standalone operation; Run does it. Until then no node is up.
func NewStandalone(c *config.Config, pw *passwd.File, o Options) *Standalone {
	s := &Standalone{
		log:      o.Log,
		options:  o,
		reloaded: make(chan struct{}, 1),
		usedBell: make(chan struct{}, 1),
		changes:  make(chan change),
		reports:  make(chan mishap, 1),
		ready:    make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.settings.Store(newSettings(c, pw, o))
	s.crew.Store(&map[int]*worker{})
	st := s.newState()
	st.configure(s.settings.Load().backends, time.Now())
	sinceBoot, now := event.SystemClock()
	s.board.publish(st.resolve(now, sinceBoot), s.log)
	return s
}

func (s *Standalone) newState() *state {
	st := newState()
	if w := s.options.Watcher; w != nil {
		st.guide = newGuide(w.Gate)
	}
	return st
}

// Reload replaces the configuration. Backends whose host and port stay keep what is known of them, new ones are looked at,
// and those that it does not name any more are left. The primary cannot be left: then all stays as it is.
func (s *Standalone) Reload(c *config.Config, pw *passwd.File) error {
	set := newSettings(c, pw, s.options)
	for _, n := range s.Map().Nodes {
		if n.Role == Primary && !set.has(n.ID) {
			return fmt.Errorf("backend %d (%s:%d) is the primary and cannot be taken out of the configuration: switch over first", n.ID, n.Host, n.Port)
		}
	}
	s.settings.Store(set)
	nudge(s.reloaded)
	return nil
}

// Report implements Cluster.
func (s *Standalone) Report(node int, err error) {
	if w := (*s.crew.Load())[node]; w != nil {
		w.follow.bell.ring(verify)
	}
	if s.options.Watcher != nil {
		select {
		case s.reports <- mishap{node, err}:
		default: // one of many
		}
	}
}

// Used implements Cluster.
func (s *Standalone) Used(node int) {
	if n := s.Map().Node(node); n == nil || n.Status != Waiting || s.used[node].Swap(true) {
		return
	}
	nudge(s.usedBell)
}

// Ready waits until each server was looked at once, or ctx ends. It needs Run.
func (s *Standalone) Ready(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Health returns the counts of the health checks of all configured nodes, in the order of their IDs.
func (s *Standalone) Health() []HealthStats {
	crew := *s.crew.Load()
	var all []HealthStats
	for _, id := range slices.Sorted(maps.Keys(crew)) {
		all = append(all, crew[id].checker.snapshot())
	}
	return all
}

// Run follows the servers until ctx ends, and returns nil when all its goroutines have ended.
func (s *Standalone) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	st := s.newState()
	s.configure(ctx, &wg, st)
	if s.options.Watcher != nil {
		wg.Go(func() { s.options.Watcher.run(ctx, s.log, s.teller(ctx)) })
		wg.Go(func() { s.options.Watcher.forward(ctx, s.reports) })
	}
	impatient := time.After(patience)
	lease := time.NewTimer(time.Hour)
	defer lease.Stop()
	for {
		m := s.renew(st)
		sinceBoot, _ := event.SystemClock()
		lease.Reset(st.guide.left(sinceBoot))
		var c change
		select {
		case <-ctx.Done():
			return nil
		case <-lease.C:
		case c = <-s.changes:
			c.apply(st)
		case <-s.reloaded:
			s.configure(ctx, &wg, st)
		case <-s.usedBell:
		case <-impatient:
		}
		if c.guided {
			// Whoever became the primary must say so itself before it gets writes.
			for _, w := range *s.crew.Load() {
				w.follow.bell.ring(look)
			}
		}
		if c.sampled && c.id == m.Primary {
			// Lag compares two positions, and means something only when the primary's was read just before the standby's.
			for id, w := range *s.crew.Load() {
				if id != c.id {
					w.follow.bell.ring(look)
				}
			}
		}
	}
}

// renew publishes the Map that follows from what is known now.
func (s *Standalone) renew(st *state) *Map {
	sinceBoot, now := event.SystemClock()
	for id := range s.used {
		if s.used[id].CompareAndSwap(true, false) {
			st.used(id, now)
		}
	}
	m := st.resolve(now, sinceBoot)
	s.board.publish(m, s.log)
	if !st.waits() {
		s.readyOnce.Do(func() { close(s.ready) })
	}
	return m
}

// configure starts and stops workers so that they fit the settings.
func (s *Standalone) configure(ctx context.Context, wg *sync.WaitGroup, st *state) {
	set := s.settings.Load()
	st.configure(set.backends, time.Now())
	old := *s.crew.Load()
	crew := map[int]*worker{}
	for _, b := range set.backends {
		w := old[b.id]
		if w != nil && w.sameServer(b) && reflect.DeepEqual(w.how, set.follow[b.id]) && reflect.DeepEqual(w.health, set.health[b.id]) {
			crew[b.id] = w
			continue
		}
		crew[b.id] = s.start(ctx, wg, b, set, w)
	}
	for id, w := range old {
		if crew[id] != w {
			w.stop()
		}
	}
	s.crew.Store(&crew)
}

// start starts the goroutines of one backend; before is the worker of the same ID that it replaces, or nil.
func (s *Standalone) start(ctx context.Context, wg *sync.WaitGroup, b backend, set *settings, before *worker) *worker {
	ctx, stop := context.WithCancel(ctx)
	tell := s.teller(ctx)
	w := &worker{backend: b, how: set.follow[b.id], health: set.health[b.id], stop: stop}
	w.follow = &follower{backend: b, how: w.how, log: s.log, tell: tell}
	w.checker = &checker{id: b.id, node: Node{Host: b.host, Port: b.port}, how: w.health, follow: w.follow,
		tell: tell, present: s.Map, stats: HealthStats{NodeID: b.id}}
	if before != nil && before.host == b.host && before.port == b.port {
		w.checker.stats = before.checker.snapshot()
	}
	wg.Go(func() { w.follow.run(ctx) })
	if w.health.period > 0 {
		wg.Go(func() { w.checker.run(ctx) })
	} else {
		// A check that is switched off must not leave its last verdict behind.
		wg.Go(func() { tell(change{id: b.id, apply: func(st *state) { st.health(b.id, "") }}) })
	}
	return w
}

// teller is how a goroutine that ends with ctx tells Run of a change.
func (s *Standalone) teller(ctx context.Context) func(change) {
	return func(c change) {
		select {
		case s.changes <- c:
		case <-ctx.Done():
		}
	}
}

func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
