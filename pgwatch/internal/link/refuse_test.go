package link

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// strangers checks that two nodes did not get together, and that each said why, once.
func strangers(t *testing.T, a, b *node, why string) {
	t.Helper()
	a.log.wait(t, why)
	b.log.wait(t, why)
	for _, n := range []*node{a, b} {
		n.Send(1-n.cfg.Self, Message{Raft, []byte("secret")})
	}
	time.Sleep(3 * longestPause / 2) // they go on trying
	for _, n := range []*node{a, b} {
		n.recorder.mu.Lock()
		if len(n.events) != 0 {
			t.Errorf("node %d: %v", n.cfg.Self, n.events)
		}
		n.recorder.mu.Unlock()
		// One line as the one that called, and one as the one that was called.
		if lines := n.log.lines(why); len(lines) > 2 {
			t.Errorf("node %d said within a minute:\n%s", n.cfg.Self, strings.Join(lines, ""))
		}
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	for name, key := range map[string]string{"another": "another word", "none": ""} {
		t.Run(name, func(t *testing.T) {
			a, b := start(t, 0), start(t, 1, func(c *Config) { c.Key = key })
			join(a, b)
			strangers(t, a, b, "wd_authkey there is not the one of this node")
		})
	}
}

func TestAnotherClusterIsRefused(t *testing.T) {
	a, b := start(t, 0), start(t, 1, func(c *Config) { c.Cluster = "green" })
	join(a, b)
	strangers(t, a, b, `cluster \"green\"`)
}

func TestAClusterThatIsLearnedLater(t *testing.T) {
	young := func(c *Config) { c.Cluster = "" }
	a, b, c := start(t, 0), start(t, 1, young), start(t, 2, young)
	join(a, b, c)
	deliver(t, a, b, "welcome")
	deliver(t, b, c, "we are both new")
	b.SetCluster("blue")
	c.SetCluster("green")
	deliver(t, b, a, "I am one of you now")
	deliver(t, a, b, "we know")
	for _, n := range []*node{a, b} {
		n.log.wait(t, `cluster \"green\"`)
	}
	before := len(b.all("received", 2))
	for range 100 {
		c.Send(1, Message{Raft, []byte("of green")})
		time.Sleep(time.Millisecond)
	}
	deliver(t, a, b, "still")
	if n := len(b.all("received", 2)); n != before {
		t.Fatal("a message of another cluster was taken")
	}
	for _, n := range []*node{a, b, c} {
		for peer := range clustermap.NodeID(3) {
			if l := n.all("gone", peer); len(l) != 0 {
				t.Fatalf("node %d is gone for node %d", peer, n.cfg.Self)
			}
		}
	}
}

// The other side has known its cluster all the time, so it does not hang up when this one learns its own.
func TestANodeOfAnotherClusterIsLetGo(t *testing.T) {
	young, green := start(t, 0, func(c *Config) { c.Cluster = "" }), start(t, 1, func(c *Config) { c.Cluster = "green" })
	join(young, green)
	deliver(t, green, young, "welcome")
	young.SetCluster("blue")
	young.log.wait(t, `cluster \"green\"`)
	before := len(young.all("received", 1))
	for range 100 {
		green.Send(0, Message{Raft, []byte("of green")})
		time.Sleep(time.Millisecond)
	}
	if n := len(young.all("received", 1)); n != before {
		t.Fatal("a message of another cluster was taken")
	}
}

func TestHellosThatAreRefused(t *testing.T) {
	self := hello{Version: 1, Cluster: "blue", Node: 0, Boot: "x"}
	for name, test := range map[string]struct {
		other hello
		want  string // "" is accepted
	}{
		"another version": {hello{Version: 2, Cluster: "blue", Node: 1}, "speaks protocol version 2 and node 0 version 1"},
		"itself":          {self, "node 0 has called itself"},
		"the same number": {hello{Version: 1, Cluster: "blue", Node: 0, Boot: "y"}, "both nodes have the number 0: give each host a pgpool_node_id of its own"},
		"below":           {hello{Version: 1, Cluster: "blue", Node: -1}, "not between 0 and 127"},
		"above":           {hello{Version: 1, Cluster: "blue", Node: 128}, "not between 0 and 127"},
		"another cluster": {hello{Version: 1, Cluster: "green", Node: 1}, `node 1 belongs to cluster "green" and node 0 to cluster "blue"`},
		"no cluster yet":  {hello{Version: 1, Node: 1}, ""},
		"the same":        {hello{Version: 1, Cluster: "blue", Node: 1}, ""},
	} {
		got := self.accepts(test.other)
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// Both sides say it, whichever of them has called.
func TestARefusalIsSaidOnBothSides(t *testing.T) {
	n, f := start(t, 0), startFake(t, 1)
	f.self.Version = 2
	if _, answer := f.call(n); !strings.Contains(answer.Refused, "protocol version 2") {
		t.Fatalf("answer to another version: %+v", answer)
	}
	n.log.wait(t, "protocol version 2")

	f.self = hello{Version: 1, Cluster: "blue", Node: 1, Boot: "fake", Refused: "words of the other side"}
	n.SetPeers(map[clustermap.NodeID]string{1: f.listener.Addr().String()})
	f.answer()
	n.log.wait(t, "words of the other side")

	f.self = hello{Version: 1, Cluster: "blue", Node: 2, Boot: "fake"}
	f.answer()
	n.log.wait(t, "this is the address of node 1, but node 2 answers")
}

// Two hosts that were given the same pgpool_node_id: the one at the configured address is the node.
func TestTwoProcessesWithOneNumber(t *testing.T) {
	a, b := start(t, 0), start(t, 1)
	other := startFake(t, 1)
	if _, answer := other.call(a); answer.Refused != "" {
		t.Fatalf("nobody else was there: %s", answer.Refused)
	}
	a.SetPeers(map[clustermap.NodeID]string{1: b.addr()})
	b.SetPeers(map[clustermap.NodeID]string{0: a.addr()})
	deliver(t, b, a, "I am node 1")
	a.expect(t, 1, "up", 1)
	if _, answer := other.call(a); !strings.Contains(answer.Refused, "another process with the number 1 is connected, at 127.0.0.1") {
		t.Fatalf("answer: %+v", answer)
	}
	a.log.wait(t, "another process with the number 1")
	deliver(t, b, a, "I still am")
}

// The connection that this node dialed tells alone who has the number.
func TestTheConfiguredAddressTellsWhoANodeIs(t *testing.T) {
	n, f, other := start(t, 0), startFake(t, 1), startFake(t, 1)
	other.self.Boot = "another"
	theirs, answer := other.call(n)
	if answer.Refused != "" {
		t.Fatalf("nobody else was there: %s", answer.Refused)
	}
	n.SetPeers(map[clustermap.NodeID]string{1: f.listener.Addr().String()})
	f.answer()
	closed(t, theirs)
	if _, answer := other.call(n); !strings.Contains(answer.Refused, "another process with the number 1") {
		t.Fatalf("answer: %+v", answer)
	}
	if _, answer := f.call(n); answer.Refused != "" {
		t.Fatal(answer.Refused)
	}
}

// closed waits until the other side has closed a connection.
func closed(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		t.Fatalf("it was not closed: %v", err)
	} else if nerr, ok := errors.AsType[net.Error](err); ok && nerr.Timeout() {
		t.Fatalf("it was not closed: %v", err)
	}
}

func TestGarbageEndsOnlyItsOwnConnection(t *testing.T) {
	greeted := func(t *testing.T, b *node, send string) net.Conn {
		c, answer := startFake(t, 2).call(b)
		if answer.Refused != "" {
			t.Fatal(answer.Refused)
		}
		if _, err := c.Write([]byte(send)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	raw := func(t *testing.T, b *node, send string) net.Conn {
		c, err := net.Dial("tcp", b.addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := c.Write([]byte(send)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	secret := func(t *testing.T, b *node, send string) net.Conn {
		c := tls.Client(raw(t, b, ""), identityOf(testKey))
		if _, err := c.Write([]byte(send)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, test := range map[string]struct {
		open func(*testing.T, *node, string) net.Conn
		send string
		log  string
	}{
		"another protocol":   {raw, "GET / HTTP/1.1\r\nHost: db1\r\n\r\n", "does not look like a TLS handshake"},
		"no certificate":     {func(t *testing.T, b *node, _ string) net.Conn { return noCertificate(t, raw(t, b, "")) }, "", "certificate"},
		"a careless caller":  {func(t *testing.T, b *node, _ string) net.Conn { return careless(t, raw(t, b, "")) }, "", "wd_authkey"},
		"no hello":           {secret, "\x00\x00\x00\x04\x00oops", "does not begin with a hello"},
		"a message first":    {secret, "\x00\x00\x00\x02\x01hi", "does not begin with a hello"},
		"an oversized hello": {secret, "\x00\x00\x10\x01\x00", "a frame of 4097 bytes, more than 4096"},
		"an oversized frame": {greeted, "\x00\x10\x00\x01\x01", "a frame of 1048577 bytes, more than 1048576"},
		"the largest length": {greeted, "\xff\xff\xff\xff\x01", "a frame of 4294967295 bytes, more than 1048576"},
		"an unknown kind":    {greeted, "\x00\x00\x00\x00\x06", "the unknown kind 6"},
		"a second hello":     {greeted, "\x00\x00\x00\x02\x00{}", "a second hello"},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := start(t, 0), start(t, 1)
			join(a, b)
			deliver(t, a, b, "before")
			closed(t, test.open(t, b, test.send))
			b.log.wait(t, test.log)
			deliver(t, a, b, "after")
			if l := b.all("received", 2); len(l) != 0 {
				t.Fatalf("taken: %v", l)
			}
		})
	}
}

// noCertificate is a TLS client that shows none.
func noCertificate(t *testing.T, raw net.Conn) net.Conn {
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

// careless is a TLS client with another key that takes any server.
func careless(t *testing.T, raw net.Conn) net.Conn {
	config := identityOf("another word").Clone()
	config.VerifyConnection = nil
	c := tls.Client(raw, config)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Whoever is silent is let go, takes the place of a bounded number meanwhile, and keeps other hosts' nodes not out.
func TestStrangersAreBounded(t *testing.T) {
	n, f := start(t, 0), startFake(t, 1)
	var silent []net.Conn
	for range maxStrangersOfOneIP + 5 {
		c, err := net.Dial("tcp", n.addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		silent = append(silent, c)
	}
	for _, c := range silent[maxStrangersOfOneIP:] {
		closed(t, c) // at once, or when its time is over: no more than that are served
	}
	elsewhere := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	raw, err := elsewhere.Dial("tcp", n.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	c := tls.Client(raw, f.tls)
	if err := writeHello(c, f.self); err != nil {
		t.Fatal(err)
	}
	if answer, err := readHello(c); err != nil || answer.Refused != "" {
		t.Fatalf("%+v, %v", answer, err)
	}
	for _, c := range silent {
		closed(t, c)
	}
	if lines := n.log.lines(""); len(lines) != 0 {
		t.Fatalf("words about those who said nothing: %v", lines)
	}
}

// The receiver does not read; Send goes on all the same, and another peer notices nothing.
func TestASlowPeerDoesNotBlockSend(t *testing.T) {
	a, b, f := start(t, 0), start(t, 1), startFake(t, 2)
	b.SetPeers(map[clustermap.NodeID]string{0: a.addr()})
	a.SetPeers(map[clustermap.NodeID]string{1: b.addr(), 2: f.listener.Addr().String()})
	f.answer()
	a.expect(t, 1, "up", 2)
	body := make([]byte, MaxBody)
	for range 200 { // 200 MiB are more than the kernel holds for a connection
		a.Send(2, Message{Answer, body})
	}
	deliver(t, a, b, "meanwhile")
}
