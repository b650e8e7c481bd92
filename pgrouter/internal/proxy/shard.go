package proxy

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
	"github.com/pgcrew/pgcrew/pgrouter/internal/conversation"
	"github.com/pgcrew/pgcrew/pgrouter/internal/loop"
	"github.com/pgcrew/pgcrew/pgrouter/internal/pool"
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
	"github.com/pgcrew/pgcrew/pgrouter/internal/wire"
)

// A shard is one event loop with its sessions and its pool.
type shard struct {
	r        *Router
	loop     *loop.Loop
	pool     *pool.Pool[kind, *server]
	clients  map[*client]struct{}
	servers  map[*server]struct{}
	m        *cluster.Map // the newest that this loop knows
	nodes    []route.Node // the same for the balancer
	rand     *rand.Rand
	env      route.Env // filled in for each statement, so that it need not be allocated
	verdicts *route.Memory
	stats    tally
	timers   []timer
	draining bool

	leaving      string // a statement about databases; connections to those that it names are not kept
	leavingUntil time.Time
}

type timer struct {
	at time.Time
	f  func()
}

func newShard(r *Router, seed uint64) (*shard, error) {
	sh := &shard{
		r:        r,
		pool:     pool.New[kind, *server](),
		clients:  make(map[*client]struct{}),
		servers:  make(map[*server]struct{}),
		m:        r.cluster.Map(),
		rand:     rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)),
		verdicts: route.NewMemory(),
	}
	sh.nodes = routeNodes(sh.m)
	var err error
	sh.loop, err = loop.New(time.Second, sh.tick)
	return sh, err
}

func (sh *shard) settings() *Settings { return sh.r.settings.Load() }

// later runs f on this loop after what happens now.
func (sh *shard) later(f func()) { sh.loop.Post(f) }

// after runs f on this loop in d or up to a second later.
func (sh *shard) after(d time.Duration, f func()) {
	sh.timers = append(sh.timers, timer{sh.loop.Now().Add(d), f})
}

// enter begins the session of a client that has been let in.
func (sh *shard) enter(c *client, fd int, secure secureConn, welcome []byte, first *server) {
	conn, err := sh.loop.Attach(fd, secure, nil, c)
	if err != nil {
		sh.r.log.Error("cannot serve a client", "client", c.addr, "err", err)
		c.gone = true
		sh.r.leave(c)
		if first != nil {
			sh.keep(first)
		}
		return
	}
	c.conn = conn
	c.active = sh.loop.Now().Unix()
	sh.clients[c] = struct{}{}
	conn.Send(welcome)
	switch {
	case first == nil:
	case sh.pool.Has(kind{first.id, first.node}):
		sh.discard(first) // it was only opened to learn something
	default:
		sh.keep(first) // the session takes it from the pool when it needs it
	}
	if sh.draining {
		sh.drain(c)
	}
}

func (sh *shard) forget(c *client) {
	delete(sh.clients, c)
	if c.wait != nil && c.wait.cancel != nil {
		c.wait.cancel()
	}
	c.wait = nil
	sh.r.leave(c)
}

// adopt makes a server connection that has logged in part of this loop.
func (sh *shard) adopt(l *login) (*server, error) {
	s := &server{sh: sh, id: l.id, node: l.node, place: l.place, epoch: l.epoch, born: l.born, target: l.target}
	s.conv = conversation.NewServer(l.node, s)
	conn, err := sh.loop.Attach(l.fd, l.secure, l.rest, s)
	if err != nil {
		return nil, err
	}
	s.conn = conn
	sh.servers[s] = struct{}{}
	sh.r.ids.hold(s.id)
	return s, nil
}

// dial opens a server connection and calls done on this loop.
func (sh *shard) dial(ctx context.Context, id *identity, node int, epoch uint64, done func(*server, error)) {
	sh.r.wg.Go(func() {
		l, err := sh.r.login(ctx, id, id.secret(), node, epoch)
		posted := sh.loop.Post(func() {
			if err != nil {
				done(nil, err)
				return
			}
			done(sh.adopt(l))
		})
		if !posted && err == nil {
			l.close()
		}
	})
}

// release takes back a server connection that its session has reset.
func (sh *shard) release(s *server) {
	s.owner = nil
	if s.cancels > 0 {
		s.released = true
		return
	}
	sh.keep(s)
}

// keep puts a clean server connection into the pool, if it may be kept.
func (sh *shard) keep(s *server) {
	set := sh.settings()
	if s.gone || !set.Cache || sh.draining || s.epoch != sh.m.Epoch || !sh.has(s) || sh.leaves(s.id) {
		sh.discard(s)
		return
	}
	s.owner, s.released = nil, false
	s.conn.Resume()
	sh.pool.Put(&item{Key: kind{s.id, s.node}, Node: s.node, Epoch: s.epoch, Born: s.born, Since: sh.loop.Now(), Conn: s})
	if limit := set.MaxClients * set.MaxPool; sh.pool.Len() > limit {
		if it, ok := sh.pool.Oldest(-1); ok {
			sh.discard(it.Conn)
		}
	}
}

// discard closes a server connection.
func (sh *shard) discard(s *server) {
	if s.gone {
		return
	}
	s.gone = true
	sh.pool.Remove(kind{s.id, s.node}, s)
	s.conn.Send(wire.AppendTerminate(nil))
	s.conn.Close()
	delete(sh.servers, s)
	sh.r.ids.drop(s.id)
}

// lost handles a server connection that broke.
func (sh *shard) lost(s *server, err error) {
	sh.pool.Remove(kind{s.id, s.node}, s)
	delete(sh.servers, s)
	sh.r.cluster.Report(s.node, err)
	if s.owner != nil {
		s.owner.conv.Lost(s.conv)
	}
	sh.r.ids.drop(s.id)
}

// newMap follows the cluster.
func (sh *shard) newMap(m *cluster.Map) {
	sh.m = m
	sh.nodes = routeNodes(m)
	for _, it := range sh.pool.Expire(func(it *item) bool {
		return it.Epoch != m.Epoch || !sh.up(it.Node) || !sh.has(it.Conn)
	}) {
		sh.discard(it.Conn)
	}
	sh.retire()
	for s := range sh.servers {
		if n := m.Node(s.node); n != nil && n.Fenced {
			sh.cut(s)
		}
	}
	for c := range sh.clients {
		if c.wait != nil {
			c.attach()
		}
	}
}

var errFenced = errors.New("the lease under which it may be written to is over")

// cut ends a server connection, and what runs on it, because another server may take the writes now.
func (sh *shard) cut(s *server) {
	if s.conv.Busy() {
		sh.r.sendCancel(s.target, nil)
	}
	s.gone = true
	s.conn.Close()
	sh.lost(s, errFenced)
}

func (sh *shard) used(node int) {
	if n := sh.m.Node(node); n != nil && n.Status == cluster.Waiting {
		sh.r.cluster.Used(node)
	}
}
