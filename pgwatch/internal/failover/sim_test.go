package failover_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

const (
	tick   = 20 * time.Millisecond
	lease  = 2 * time.Second
	surely = lease + lease/100 + 100*time.Millisecond
)

// A sim is a cluster under faults, all of them drawn from one seed: servers, nodes with agents and routers, a network,
// and an authority that keeps a Map, changes its leader and grants leases as package authority promises. A new leader
// has a new Planner.
type sim struct {
	seed    uint64
	rng     *rand.Rand
	now     time.Duration
	servers []*server
	nodes   []*node
	hosts   []bool
	cut     [][]bool        // from host to host
	heal    []happening     // what ends by itself
	lags    []time.Duration // standbys that receive nothing until then
	apart   bool            // no node runs on a server's host
	lossy   bool            // of messages

	syncNum   int
	syncFirst bool
	policy    *failover.Policy

	m        clustermap.Map
	term     uint64
	leader   *node
	elected  time.Duration
	heard    time.Duration // when the leader last reached a majority
	planner  *failover.Planner
	planned  time.Duration
	dirty    bool
	reports  map[clustermap.NodeID]failover.Arrival
	granted  time.Duration // when the last serve lease was
	proposal *clustermap.Command
	commit   time.Duration
	serve    bool
	orders   map[clustermap.NodeID][]report.Order

	wishes []failover.Wish
	asked  int

	mail    []letter
	writes  int
	pending []write
	acked   []write
	newest  uint64 // epoch of the newest write
	last    time.Duration
	story   []string
	counts  map[string]int // of what happened, to see that enough did
	failed  string
}

// happening is something that happens at a time.
type happening struct {
	at time.Duration
	do func()
}

// A letter is on its way between a node and the leader.
type letter struct {
	at  time.Duration
	run func()
}

func (s *sim) between(lowMS, highMS int) time.Duration {
	return time.Duration(lowMS+s.rng.IntN(highMS-lowMS+1)) * time.Millisecond
}

func (s *sim) tell(format string, args ...any) {
	s.story = append(s.story, fmt.Sprintf("%8.2fs ", s.now.Seconds())+fmt.Sprintf(format, args...))
}

func (s *sim) fail(format string, args ...any) {
	if s.failed == "" {
		s.failed = fmt.Sprintf(format, args...)
		s.tell("VIOLATION: %s", s.failed)
	}
}

func (s *sim) linked(a, b int) bool {
	return s.hosts[a] && s.hosts[b] && !s.cut[a][b] && !s.cut[b][a]
}

func newSim(seed uint64) *sim {
	s := &sim{seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), now: time.Minute, reports: map[clustermap.NodeID]failover.Arrival{}, counts: map[string]int{}}
	servers := 2 + s.rng.IntN(2)
	s.apart = s.rng.IntN(5) == 0
	s.lossy = s.rng.IntN(3) == 0
	if s.rng.IntN(2) == 0 {
		s.syncNum, s.syncFirst = 1+s.rng.IntN(servers-1), s.rng.IntN(2) == 0
	}
	s.policy = failover.Default()
	s.policy.MinInterval = time.Duration(s.rng.IntN(2)) * 20 * time.Second
	s.policy.DetachFalse, s.policy.AutoFailback = s.rng.IntN(2) == 0, s.rng.IntN(2) == 0
	s.policy.FailbackPause = 5 * time.Second
	s.policy.FailoverHook, s.policy.FollowHook = s.rng.IntN(4) == 0, s.rng.IntN(6) == 0
	s.policy.MaxLag = 1 << 20
	s.policy.AutoRecover = s.rng.IntN(2) == 0
	s.m.Members = nil
	var backends []clustermap.Backend
	for i := range servers {
		s.servers = append(s.servers, &server{id: i, runs: true, standby: i > 0, timeline: 1, upstream: 0, syncset: s.syncSetting(servers)})
		backends = append(backends, clustermap.Backend{ID: i, Host: fmt.Sprint("h", i), Port: 5432})
		s.policy.Backends[i] = failover.Rules{Retries: 1, Upper: 6 * time.Second, Name: fmt.Sprint("S", i)}
	}
	s.servers[0].upstream = -1
	nodes := 3
	for i := range nodes {
		n := &node{id: clustermap.NodeID(i), host: i, witness: !s.apart && i >= servers, runs: true, views: make([]report.Backend, servers), began: make([]time.Duration, servers), ran: map[string]bool{}}
		if s.apart {
			n.host = servers + i
		}
		for b := range n.views {
			n.views[b] = report.Backend{ID: b, Health: report.Unseen}
		}
		s.nodes = append(s.nodes, n)
		s.apply(clustermap.Command{Member: &clustermap.Member{ID: n.id, Host: fmt.Sprint("h", n.host), Witness: n.witness}})
	}
	s.apply(clustermap.Command{Configure: &clustermap.Configure{Cluster: "c", Backends: backends}})
	hosts := servers + nodes
	s.hosts, s.lags = make([]bool, hosts), make([]time.Duration, hosts)
	for i := range hosts {
		s.hosts[i] = true
		s.cut = append(s.cut, make([]bool, hosts))
	}
	return s
}

// run plays faults for a while, mends everything, and waits for the end.
func (s *sim) run() {
	faults := s.now + 25*time.Second
	for s.now < faults && s.failed == "" {
		s.fault()
		s.step()
	}
	s.mend()
	calm := s.now + 100*time.Second
	for s.now < calm && s.failed == "" {
		s.step()
		if s.m.Failover == nil && s.m.Epoch > 0 && s.now-s.last < time.Second && s.now > faults+8*time.Second && len(s.heal) == 0 && s.proposal == nil {
			return
		}
		if s.rng.IntN(500) == 0 {
			s.restartDead()
		}
	}
	if f := s.m.Failover; f != nil {
		s.fail("failover %d is still at %s", f.ID, f.State)
	}
	if s.now-s.last >= time.Second {
		s.fail("nobody can write, %v after the last fault", s.now-faults)
	}
}

func (s *sim) step() {
	s.now += tick
	for _, p := range s.servers {
		if p.starts > 0 && p.starts <= s.now && s.hosts[p.id] {
			p.start()
		}
		s.replicate(p)
	}
	for i := 0; i < len(s.heal); i++ {
		if h := s.heal[i]; h.at <= s.now {
			s.heal = append(s.heal[:i], s.heal[i+1:]...)
			h.do()
			i--
		}
	}
	for i := 0; i < len(s.mail); i++ {
		if l := s.mail[i]; l.at <= s.now {
			s.mail[i] = s.mail[len(s.mail)-1]
			s.mail = s.mail[:len(s.mail)-1]
			l.run()
			i--
		}
	}
	for _, n := range s.nodes {
		if s.awake(n) {
			s.look(n)
			s.act(n)
		}
		s.write(n) // by the router, which goes on without pgwatch until its lease ends
	}
	s.lead()
	s.acknowledge()
	s.check()
}

// write lets a client of a node's router write, when the router may, and the server that it takes for the primary does.
func (s *sim) write(n *node) {
	if !s.hosts[n.host] || n.leaseUntil <= s.now || n.lease == 0 || n.lease != n.m.Epoch || s.rng.IntN(4) > 0 {
		return
	}
	p := s.servers[n.m.PrimaryID()]
	if !p.writes() || !s.linked(n.host, p.id) {
		return
	}
	s.writes++
	p.wal = append(p.wal, s.writes)
	s.last = s.now
	if n.lease < s.newest {
		s.fail("a write in epoch %d after one in epoch %d", n.lease, s.newest)
	}
	s.newest = n.lease
	if len(s.pending) == 50 {
		s.pending = s.pending[1:] // a client gave up
	}
	s.pending = append(s.pending, write{s.writes, len(p.wal) - 1, n.lease, n, p})
}

// acknowledge tells clients of the writes that are confirmed. A router cuts those who wait beyond its lease.
func (s *sim) acknowledge() {
	kept := s.pending[:0]
	for _, w := range s.pending {
		switch {
		case !w.at.runs || !w.at.has(w) || w.by.lease != w.epoch || w.by.leaseUntil <= s.now:
		case w.at.hangs || !s.confirmed(w.at, w):
			kept = append(kept, w)
		default:
			s.acked = append(s.acked, w)
		}
	}
	s.pending = kept
}

// check looks for two primaries that could take writes of clients at this moment.
func (s *sim) check() {
	open := clustermap.None
	for _, n := range s.nodes {
		if !s.hosts[n.host] || n.leaseUntil <= s.now || n.lease == 0 || n.lease != n.m.Epoch {
			continue
		}
		p := n.m.PrimaryID()
		if !s.servers[p].writes() || !s.linked(n.host, p) {
			continue
		}
		if open != clustermap.None && open != p {
			s.fail("backends %d and %d are open for writes at once", open, p)
		}
		open = p
	}
}

func simulate(t testing.TB, seed uint64) map[string]int {
	s := newSim(seed)
	s.run()
	if s.failed != "" {
		t.Errorf("seed %d: %s; see it with PGCREW_SEED=%d go test -run TestSimulation -v", seed, s.failed, seed)
	}
	if os.Getenv("PGCREW_SEED") != "" {
		t.Log(strings.Join(s.story, "\n"))
		t.Logf("%s", s.m.Encode())
	}
	return s.counts
}

// Whatever fails, whenever the leader changes: no two primaries take writes at once, epochs only grow, what was
// acknowledged with synchronous standbys survives, and when the faults end so does each failover.
func TestSimulation(t *testing.T) {
	number := func(name string, otherwise uint64) uint64 {
		v, err := strconv.ParseUint(os.Getenv(name), 10, 64)
		if err != nil {
			return otherwise
		}
		return v
	}
	if seed := number("PGCREW_SEED", 0); seed != 0 {
		simulate(t, seed)
		return
	}
	seeds := number("PGCREW_SEEDS", normally)
	next := make(chan uint64)
	var workers sync.WaitGroup
	var mu sync.Mutex
	counts := map[string]int{}
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := range next {
				c := simulate(t, seed)
				mu.Lock()
				for what, n := range c {
					counts[what] += n
				}
				mu.Unlock()
			}
		})
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		next <- seed
	}
	close(next)
	workers.Wait()
	t.Log(counts)
	for _, what := range []string{"failover opened", "failover failed", "switchover opened", "switchover failed", "forced opened", "detach opened", "recovered", "opened while the old primary might write", "acknowledged by standbys"} {
		if seeds >= 500 && counts[what] == 0 {
			t.Errorf("in %d seeds nothing was ever %s: %v", seeds, what, counts)
		}
	}
}
