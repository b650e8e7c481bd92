package link

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

const (
	testKey  = "a long and random word"
	patience = time.Minute // for what must come
)

func TestMain(m *testing.M) {
	if addr := os.Getenv("PGWATCH_TEST_PARENT"); addr != "" {
		beChild(addr)
		return
	}
	goleak.VerifyTestMain(m)
}

// An event is a call of a Handler.
type event struct {
	what string // up, gone or received
	peer clustermap.NodeID
	m    Message
}

func (e event) String() string {
	return fmt.Sprintf("%s %d %d %.40q", e.what, e.peer, e.m.Kind, e.m.Body)
}

// A recorder keeps what a Handler is told.
type recorder struct {
	mu     sync.Mutex
	events []event
	busy   map[clustermap.NodeID]bool
	twice  bool // called twice at a time for the same peer
	news   chan struct{}
}

func newRecorder() *recorder {
	return &recorder{busy: map[clustermap.NodeID]bool{}, news: make(chan struct{}, 1)}
}

func (r *recorder) Receive(from clustermap.NodeID, m Message) { r.add(event{"received", from, m}) }
func (r *recorder) Up(peer clustermap.NodeID)                 { r.add(event{what: "up", peer: peer}) }
func (r *recorder) Gone(peer clustermap.NodeID)               { r.add(event{what: "gone", peer: peer}) }

func (r *recorder) add(e event) {
	r.mu.Lock()
	r.twice = r.twice || r.busy[e.peer]
	r.busy[e.peer] = true
	r.events = append(r.events, e)
	r.mu.Unlock()
	raise(r.news)
	r.mu.Lock()
	r.busy[e.peer] = false
	r.mu.Unlock()
}

// all returns the events of one kind of a peer.
func (r *recorder) all(what string, peer clustermap.NodeID) []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []event
	for _, e := range r.events {
		if e.what == what && e.peer == peer {
			list = append(list, e)
		}
	}
	return list
}

// expect returns when there are n events of one kind of a peer.
func (r *recorder) expect(t *testing.T, n int, what string, peer clustermap.NodeID) []event {
	t.Helper()
	limit := time.After(patience)
	for {
		if list := r.all(what, peer); len(list) >= n {
			return list
		}
		select {
		case <-r.news:
		case <-limit:
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("no %d events %q of node %d, but %v", n, what, peer, r.events)
		}
	}
}

var identities sync.Map // of keys: stretching them is slow on purpose

func identityOf(key string) *tls.Config {
	made, _ := identities.LoadOrStore(key, sync.OnceValue(func() *tls.Config {
		c, err := identity(key)
		if err != nil {
			panic(err)
		}
		return c
	}))
	return made.(func() *tls.Config)()
}

// A node is a Link that runs, what its Handler was told, and what it logged.
type node struct {
	*Link
	*recorder
	log  *logged
	stop func() // ends it and waits for its end
}

func (n *node) addr() string { return n.Link.Addr().String() }

// start runs a Link on the loopback interface until the test ends.
func start(t *testing.T, self clustermap.NodeID, change ...func(*Config)) *node {
	t.Helper()
	n := &node{recorder: newRecorder(), log: &logged{}}
	cfg := Config{
		Self: self, Cluster: "blue", Key: testKey, Listen: "127.0.0.1:0", Boot: fmt.Sprintf("boot of %d", self),
		Log: slog.New(slog.NewTextHandler(n.log, nil)), Jitter: rand.Float64,
	}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	if n.Link, err = listen(cfg, n.recorder, identityOf(cfg.Key)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	n.stop = func() { cancel(); <-done }
	t.Cleanup(func() {
		n.stop()
		if n.twice {
			t.Errorf("the handler of node %d was called twice at a time for one peer", self)
		}
	})
	return n
}

// join makes nodes each other's peers.
func join(nodes ...*node) {
	peers := map[clustermap.NodeID]string{}
	for _, n := range nodes {
		peers[n.cfg.Self] = n.addr()
	}
	for _, n := range nodes {
		n.SetPeers(peers)
	}
}

// deliver sends until the message arrives, as senders do.
func deliver(t *testing.T, from, to *node, body string) {
	t.Helper()
	deliverKind(t, from, to, Raft, body)
}

func deliverKind(t *testing.T, from, to *node, k Kind, body string) {
	t.Helper()
	limit := time.After(patience)
	for {
		from.Send(to.cfg.Self, Message{k, []byte(body)})
		select {
		case <-time.After(100 * time.Millisecond): // it may have been lost
		case <-to.news:
		case <-limit:
			t.Fatalf("node %d never got %.40q of kind %d from node %d", to.cfg.Self, body, k, from.cfg.Self)
		}
		for _, e := range to.all("received", from.cfg.Self) {
			if e.m.Kind == k && string(e.m.Body) == body {
				return
			}
		}
	}
}

// logged is what was logged.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// lines returns those that contain a text.
func (l *logged) lines(text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for line := range strings.Lines(l.buf.String()) {
		if strings.Contains(line, text) {
			list = append(list, line)
		}
	}
	return list
}

// wait returns when there is a line with a text.
func (l *logged) wait(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); len(l.lines(text)) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing was logged with %q, but:\n%s", text, strings.Join(l.lines(""), ""))
		}
	}
}

// A fake is a node made by hand: what it does after its listener has accepted is up to the test.
type fake struct {
	t        *testing.T
	self     hello
	listener net.Listener
	tls      *tls.Config
}

func startFake(t *testing.T, self clustermap.NodeID) *fake {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &fake{t, hello{Version: protocolVersion, Cluster: "blue", Node: self, Boot: "fake"}, listener, identityOf(testKey)}
}

// accept returns the next connection as it is.
func (f *fake) accept() net.Conn {
	f.t.Helper()
	c, err := f.listener.Accept()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		f.t.Fatal(err)
	}
	return c
}

// answer accepts the next connection and exchanges hellos on it.
func (f *fake) answer() *tls.Conn {
	f.t.Helper()
	c := tls.Server(f.accept(), f.tls)
	if _, err := readHello(c); err != nil {
		f.t.Fatal(err)
	}
	if err := writeHello(c, f.self); err != nil {
		f.t.Fatal(err)
	}
	return c
}

// call connects to a node and says hello.
func (f *fake) call(n *node) (*tls.Conn, hello) {
	f.t.Helper()
	raw, err := net.Dial("tcp", n.addr())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { raw.Close() })
	c := tls.Client(raw, f.tls)
	if err := writeHello(c, f.self); err != nil {
		f.t.Fatal(err)
	}
	answer, err := readHello(bufio.NewReader(c))
	if err != nil {
		f.t.Fatal(err)
	}
	return c, answer
}
