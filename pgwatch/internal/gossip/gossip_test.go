package gossip

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what must come.
const patience = 30 * time.Second

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// journal is where a node of a test writes.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *journal) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *journal) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type node struct {
	*Gossip
	log  *journal
	stop func() // returns when it has ended
}

// addresses are free ones, of 127.0.0.1 and above.
func addresses(t *testing.T, n int) []string {
	t.Helper()
	list := make([]string, n)
	for i := range list {
		host := fmt.Sprintf("127.0.0.%d", i+1)
		l, err := net.Listen("tcp", host+":0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		list[i] = l.Addr().String()
	}
	return list
}

// prepare makes node i of the addresses.
func prepare(t *testing.T, addrs []string, i int, key string) *node {
	t.Helper()
	host, port, err := net.SplitHostPort(addrs[i])
	if err != nil {
		t.Fatal(err)
	}
	n := &node{log: &journal{}}
	c := Config{Self: clustermap.NodeID(i), Listen: []string{host}, Advertise: addrs[i], Key: key, Changed: func() {},
		Log: slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if _, err := fmt.Sscan(port, &c.Port); err != nil {
		t.Fatal(err)
	}
	for j, a := range addrs {
		if j != i {
			c.Seeds = append(c.Seeds, a)
		}
	}
	n.Gossip = New(c)
	return n
}

// start lets node i of the addresses take part.
func start(t *testing.T, addrs []string, i int, key string) *node {
	t.Helper()
	n := prepare(t, addrs, i, key)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { n.Run(ctx) })
	n.stop = func() { cancel(); wg.Wait() }
	t.Cleanup(n.stop)
	return n
}

func (n *node) alive(id clustermap.NodeID) bool { return n.Peers()[id].Alive }

func TestNodesMeetAndTellTheirOpinions(t *testing.T) {
	addrs := addresses(t, 3)
	var nodes []*node
	for i := range addrs {
		nodes = append(nodes, start(t, addrs, i, "a secret"))
		nodes[i].Tell(Opinion{Follows, map[int]report.Health{0: report.Well, 1: report.Unseen}})
	}
	for i, n := range nodes {
		until(t, fmt.Sprintf("node %d knows the others", i), func() bool { return n.alive(clustermap.NodeID((i+1)%3)) && n.alive(clustermap.NodeID((i+2)%3)) })
	}
	nodes[1].Tell(Opinion{Leads, map[int]report.Health{0: report.Silent, 1: report.Well}})
	for _, i := range []int{0, 2} {
		until(t, fmt.Sprintf("node %d has the opinion of node 1", i), func() bool {
			o := nodes[i].Peers()[1].Opinion
			return o.Role == Leads && o.Backends[0] == report.Silent && o.Backends[1] == report.Well
		})
	}

	// One leaves, and comes back at once.
	nodes[2].stop()
	until(t, "node 0 knows that node 2 is gone", func() bool { return !nodes[0].alive(2) })
	start(t, addrs, 2, "a secret")
	until(t, "node 0 knows that node 2 is back", func() bool { return nodes[0].alive(2) })
	for i, n := range nodes {
		if p := n.Problems(); len(p) > 0 {
			t.Errorf("node %d complains of %q", i, p)
		}
	}
}

// A node that is killed says no farewell.
func TestKilledNodeIsDead(t *testing.T) {
	addrs := addresses(t, 3)
	nodes := []*node{start(t, addrs, 0, ""), start(t, addrs, 1, "")}
	dead := prepare(t, addrs, 2, "")
	list, err := dead.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dead.join(t.Context(), list)
	for _, n := range nodes {
		until(t, "all are there", func() bool { return n.alive(2) })
	}
	if err := list.Shutdown(); err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		until(t, fmt.Sprintf("node %d knows", i), func() bool { return !n.alive(2) })
		if n.Peers()[2].Opinion.Role != "" {
			t.Error("a dead node has an opinion")
		}
	}
	until(t, "the others know each other", func() bool { return nodes[0].alive(1) && nodes[1].alive(0) })
}

func TestWrongKeyIsRefusedAndNamed(t *testing.T) {
	for _, c := range []struct{ name, other string }{{"another", "not the secret"}, {"none", ""}} {
		t.Run(c.name, func(t *testing.T) {
			addrs := addresses(t, 3)
			a, b := start(t, addrs, 0, "the secret"), start(t, addrs, 1, "the secret")
			stranger := start(t, addrs, 2, c.other)
			until(t, "those with the same key know each other", func() bool { return a.alive(1) && b.alive(0) })
			for _, n := range []*node{a, stranger} {
				until(t, "the other key is named", func() bool {
					return strings.Contains(strings.Join(n.Problems(), "\n"), "refused: its wd_authkey is not the one of this node")
				})
			}
			if !strings.Contains(a.log.String(), "level=WARN msg=\"the heartbeat of 127.0.0.") {
				t.Errorf("the log does not warn: %s", a.log)
			}
			if a.alive(2) || b.alive(2) || len(stranger.Peers()) > 0 {
				t.Error("a node with another key is taken in")
			}
		})
	}
}

func TestTwoHostsOfOneNumberAreNamed(t *testing.T) {
	addrs := addresses(t, 3)
	a := start(t, addrs, 0, "k")
	start(t, addrs, 1, "k")
	until(t, "the first one is known", func() bool { return a.alive(1) })
	// The third address says that it is node 1, too.
	start(t, []string{addrs[0], addrs[2]}, 1, "k")
	until(t, "the conflict is named", func() bool {
		return strings.Contains(strings.Join(a.Problems(), "\n"), "two hosts say that they are node 1, ")
	})
}

func TestWhatStandsInTheWayIsSaid(t *testing.T) {
	for _, c := range []struct{ listen, advertise, want string }{
		{"nosuchdev", "127.0.0.1:1", "nosuchdev is neither an address nor a network interface"},
		{"127.0.0.1", "no.such.name.invalid:1", "no.such.name.invalid"},
		{"192.0.2.1", "127.0.0.1:1", "192.0.2.1"},
	} {
		n := New(Config{Listen: []string{c.listen}, Advertise: c.advertise, Port: 1, Changed: func() {}, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { n.Run(ctx) })
		until(t, c.want, func() bool {
			return strings.Contains(strings.Join(n.Problems(), "\n"), "this node hears no heartbeats: ") && strings.Contains(n.Problems()[0], c.want)
		})
		cancel()
		wg.Wait()
	}
}

func TestInterfaceStandsForItsAddresses(t *testing.T) {
	g := New(Config{Listen: []string{"lo"}})
	got, err := g.addresses()
	if err != nil || !strings.Contains(strings.Join(got, " "), "127.0.0.1") {
		t.Errorf("lo: %v, %v", got, err)
	}
	for _, all := range [][]string{nil, {"*"}} {
		if got, err := New(Config{Listen: all}).addresses(); err != nil || len(got) != 1 || got[0] != "::" && got[0] != "0.0.0.0" {
			t.Errorf("%v: %v, %v", all, got, err)
		}
	}
}
