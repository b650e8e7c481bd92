package proxy

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
)

// A Router serves clients. Make it with New, start it with Serve.
type Router struct {
	log      *slog.Logger
	cluster  cluster.Cluster
	settings atomic.Pointer[Settings]
	keys     *auth.Keys
	ids      identities
	cancels  cancels
	catalogs catalogs
	shards   []*shard
	version  string

	ctx       context.Context // ends when everything must
	stop      context.CancelFunc
	closing   context.Context // ends when no more clients are accepted
	close     context.CancelFunc
	wg        sync.WaitGroup
	sessions  atomic.Int64  // clients in and on their way in after their login
	entering  atomic.Int64  // connections whose login is not done
	entrants  chan net.Conn // to a goroutine that waits for one
	receivers atomic.Int64  // goroutines that do
	stops     chan StopMode // see Stop
	next      atomic.Uint64
}

// New makes a router with the loops that set asks for.
func New(set *Settings, cl cluster.Cluster, version string, log *slog.Logger) (*Router, error) {
	keys, err := auth.NewKeys(rand.Reader)
	if err != nil {
		return nil, err
	}
	r := &Router{log: log, cluster: cl, keys: keys, version: version, entrants: make(chan net.Conn), stops: make(chan StopMode, 4)}
	r.ctx, r.stop = context.WithCancel(context.Background())
	r.closing, r.close = context.WithCancel(r.ctx)
	r.cancels.all = make(map[uint32]target)
	r.catalogs.r = r
	r.catalogs.all = make(map[string]*catalog)
	r.ids.all = make(map[string]*identity)
	r.ids.made = func(id *identity) { id.catalog = r.catalogs.of(id) }
	r.Reload(set)
	for range set.Loops {
		var seed [8]byte
		if _, err := rand.Read(seed[:]); err != nil {
			return nil, fmt.Errorf("read random bytes: %w", err)
		}
		sh, err := newShard(r, binary.NativeEndian.Uint64(seed[:]))
		if err != nil {
			return nil, err
		}
		r.shards = append(r.shards, sh)
	}
	return r, nil
}

// Reload puts other settings in force, for new logins and new statements. The number of loops stays.
func (r *Router) Reload(set *Settings) {
	set.door.Keys = r.keys
	set.door.Dial = r.judge
	set.door.Known = r.ids.precedent
	r.settings.Store(set)
	r.catalogs.reload()
}

// Serve accepts clients on the listeners until ctx ends or Stop is called. Then it accepts no more, lets open transactions
// end for at most shutdown_timeout unless Stop has said otherwise, and returns when nothing is left. Each listener is closed.
func (r *Router) Serve(ctx context.Context, listeners []net.Listener) error {
	loops, failed := context.WithCancelCause(r.ctx)
	defer failed(nil)
	var running sync.WaitGroup
	for _, sh := range r.shards {
		running.Go(func() {
			if err := sh.loop.Run(loops); err != nil {
				failed(err)
			}
		})
	}
	unsubscribe := r.cluster.Subscribe(func(m *cluster.Map) {
		for _, sh := range r.shards {
			sh.loop.Post(func() { sh.newMap(m) })
		}
	})
	var accepting sync.WaitGroup
	for _, l := range listeners {
		accepting.Go(func() { r.accept(l) })
	}
	mode := Fast
	select {
	case <-ctx.Done():
	case <-loops.Done():
	case mode = <-r.stops:
	}
	for _, l := range listeners {
		l.Close()
	}
	accepting.Wait()
	if mode == Smart {
		mode = r.leisurely(ctx, loops)
	}
	r.drain(loops, mode)
	unsubscribe()
	r.stop()
	running.Wait()
	r.wg.Wait()
	if err := context.Cause(loops); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// drain ends sessions that are between transactions at once, and waits for the others unless mode is Immediate.
func (r *Router) drain(loops context.Context, mode StopMode) {
	r.close()
	limit := r.settings.Load().ShutdownTimeout
	if mode == Immediate {
		limit = 0
	}
	for _, sh := range r.shards {
		sh.loop.Post(func() {
			sh.draining = true
			for c := range sh.clients {
				sh.drain(c)
			}
		})
	}
	end := time.NewTimer(limit)
	defer end.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for r.sessions.Load() > 0 || r.entering.Load() > 0 {
		select {
		case <-look.C:
			continue
		case <-loops.Done():
			return
		case m := <-r.stops:
			if m != Immediate {
				continue
			}
			limit = 0
		case <-end.C:
		}
		r.log.Warn("sessions are cut", "sessions", r.sessions.Load(), "after", limit)
		done := make(chan struct{}, len(r.shards))
		for _, sh := range r.shards {
			sh.loop.Post(func() {
				for c := range sh.clients {
					c.Close(stopping())
				}
				done <- struct{}{}
			})
			<-done
		}
		return
	}
}

// leave counts a session out.
func (r *Router) leave(c *client) {
	r.sessions.Add(-1)
	r.cancels.remove(c.pid)
	r.left(c.addr, c.id.user, c.id.database, time.Unix(c.start, 0))
	r.ids.drop(c.id)
}

// left is log_disconnections.
func (r *Router) left(addr netip.AddrPort, user, database string, began time.Time) {
	if r.settings.Load().LogLeaving {
		r.log.Info("client disconnected", "client", addr, "user", user, "database", database,
			"after", time.Since(began).Round(time.Second))
	}
}

// shard chooses the loop of a new session.
func (r *Router) shard() *shard { return r.shards[r.next.Add(1)%uint64(len(r.shards))] }
