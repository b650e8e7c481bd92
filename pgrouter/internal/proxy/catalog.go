package proxy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgcrew/pgcrew/pgrouter/internal/auth"
	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
	"github.com/pgcrew/pgcrew/pgrouter/internal/route"
)

// A catalog is the newest catalog snapshot of a database. While there is none, reads are routed with care.
type catalog struct {
	all      *catalogs
	database string
	now      atomic.Pointer[route.Catalog]

	mu      sync.Mutex
	id      *identity // who looks: the session that came last
	loading bool
	stale   bool          // something changed since the present loading began
	behind  bool          // something changed that a standby may not have yet: only the primary can tell
	retry   bool          // the last loading failed for a reason that may pass
	looked  time.Time     // when the last loading ended
	from    place         // of the last snapshot
	first   chan struct{} // closed when the first loading has ended, well or not
}

// A place is where a snapshot was read: a node, in an epoch.
type place struct {
	node  int
	epoch uint64
}

// catalogs are those of all databases that have been used.
type catalogs struct {
	r   *Router
	mu  sync.Mutex
	all map[string]*catalog
}

const (
	catalogPause   = 100 * time.Millisecond // after a change: more of them often follow at once
	catalogSuspect = 5 * time.Second        // after a procedure, which may have changed something
	catalogRetry   = 5 * time.Second        // after a failure
	catalogTimeout = 30 * time.Second
)

// of gives the catalog of an identity's database.
func (cs *catalogs) of(id *identity) *catalog {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.all[id.database]
	if c == nil {
		c = &catalog{all: cs, database: id.database, first: make(chan struct{})}
		cs.all[id.database] = c
	}
	c.mu.Lock()
	c.id = id
	c.mu.Unlock()
	return c
}

// reload reads all anew, because settings that they obey may be others.
func (cs *catalogs) reload() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, c := range cs.all {
		c.now.Store(nil)
		c.load(catalogPause, true)
	}
}

// refresh replaces snapshots that have grown old. It is called every second.
func (cs *catalogs) refresh(life time.Duration) {
	m := cs.r.cluster.Map()
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, c := range cs.all {
		c.refresh(life, m)
	}
}

// snapshot is the newest one, nil when there is none that can be trusted.
func (c *catalog) snapshot() *route.Catalog { return c.now.Load() }

// changed says that objects of the database have changed. No old snapshot is used from then on.
func (c *catalog) changed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.behind = true
	c.now.Store(nil)
	c.start(catalogPause, true)
}

// suspect says that objects of the database may have changed.
func (c *catalog) suspect() {
	c.mu.Lock()
	old := time.Since(c.looked) > catalogSuspect
	c.mu.Unlock()
	if old {
		c.load(catalogPause, true)
	}
}

// ready waits for the first snapshot, so that not even the first read of a database is routed with more care than it
// needs. It gives up after a while, or with ctx.
func (c *catalog) ready(ctx context.Context, patience time.Duration) {
	if c.now.Load() != nil {
		return
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	c.load(0, false)
	select {
	case <-c.first:
	case <-ctx.Done():
	}
}

// refresh replaces a snapshot that has grown old, or that is not the present primary's, and tries again to get a missing
// one.
func (c *catalog) refresh(life time.Duration, m *cluster.Map) {
	c.mu.Lock()
	defer c.mu.Unlock()
	age, has := time.Since(c.looked), c.now.Load() != nil
	switch {
	case m.Primary < 0 && (has || c.behind): // a standby's would be no better
	case c.retry && age > catalogRetry, has && age > life, has && c.from != place{m.Primary, m.Epoch} && age > catalogRetry:
		c.start(0, false)
	}
}

// load reads a snapshot in the background, after a pause. A change that comes meanwhile makes it read again; that
// somebody waits for it does not, or a stream of new clients would keep it from ever being used.
func (c *catalog) load(pause time.Duration, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start(pause, changed)
}

// start is load while the catalog is locked.
func (c *catalog) start(pause time.Duration, changed bool) {
	c.stale = c.stale || changed
	if c.loading {
		return
	}
	c.loading = true
	c.all.r.wg.Go(func() { c.work(pause) })
}

func (c *catalog) work(pause time.Duration) {
	r := c.all.r
	for {
		select {
		case <-time.After(pause):
		case <-r.ctx.Done():
			return
		}
		c.mu.Lock()
		c.stale = false
		id, pick := c.id, anywhere
		if c.behind || c.now.Load() != nil {
			pick = primary // what a standby knows may be older
		}
		c.mu.Unlock()
		got, from, err := c.read(id, pick)
		c.mu.Lock()
		c.looked, c.retry = time.Now(), err != nil && passes(err)
		if err == nil {
			c.from = from
			if !c.stale {
				c.now.Store(got)
				c.behind = false
			}
		} else if r.ctx.Err() == nil {
			r.log.Warn("the catalog could not be read: reads of functions and views go to the primary",
				"database", c.database, "user", id.user, "err", err)
		}
		select {
		case <-c.first:
		default:
			close(c.first)
		}
		if !c.stale {
			c.loading = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		pause = catalogPause
	}
}

// read logs in like the session that came last, because who may use the database may read its catalog. A standby has
// the same catalog as its primary, and serves when that is away.
func (c *catalog) read(id *identity, pick func(*cluster.Map) []int) (got *route.Catalog, from place, err error) {
	r := c.all.r
	ctx, cancel := context.WithTimeout(r.ctx, catalogTimeout)
	defer cancel()
	err = r.reach(ctx, pick, func(m *cluster.Map, node int) (err error) {
		from = place{node, m.Epoch}
		got, err = c.readFrom(ctx, id, node)
		return err
	})
	return got, from, err
}

func (c *catalog) readFrom(ctx context.Context, id *identity, node int) (*route.Catalog, error) {
	r := c.all.r
	s, _, err := r.connect(ctx, node, auth.Request{
		User: id.user, Database: id.database, Credential: id.secret(),
		Params: [][2]string{{"application_name", "pgrouter"}},
	})
	if err != nil {
		return nil, err
	}
	conn, err := pgxConn(s)
	if err != nil {
		s.Conn.Close()
		return nil, err
	}
	defer conn.Close(ctx)
	return route.Load(ctx, conn, r.settings.Load().Catalog)
}

// pgxConn makes a connection of the driver from one that has logged in.
func pgxConn(s *auth.Server) (*pgconn.PgConn, error) {
	config, err := pgconn.ParseConfig("host=server user=none sslmode=disable")
	if err != nil {
		return nil, err
	}
	return pgconn.Construct(&pgconn.HijackedConn{
		Conn: s.Conn, PID: s.PID, SecretKey: s.Secret, TxStatus: s.Status, Config: config,
		ParameterStatuses: map[string]string{},
	})
}
