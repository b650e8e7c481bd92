package cluster

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pgcrew/pgcrew/common/event"
)

// fataler is a test, or one of rapid's.
type fataler interface{ Fatal(args ...any) }

// hear gives a guide one event at a time since boot.
func hear(t fataler, g *guide, now time.Duration, d event.Payload) {
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.take(event.Event{Type: d.EventType(), D: text}, 0, now); err != nil {
		t.Fatal(err)
	}
}

func tick(epoch uint64, ttl time.Duration) event.Tick {
	return event.Tick{Quorum: event.QuorumFull, Serve: &event.Serve{Epoch: epoch, TTLMS: ttl.Milliseconds()}}
}

// governed is two servers, node 0 the primary of epoch 3, and a lease of two seconds from second 10 on.
func governed(t testing.TB) *state {
	s := two()
	at := met{network: "tcp", address: "x"}
	s.seen(0, at, primary(1))
	s.seen(1, at, standby(900))
	s.guide = newGuide(true)
	hear(t, s.guide, 10*time.Second, event.Snapshot{Map: event.Map{Epoch: 3, Primary: &event.Primary{ID: 0, Epoch: 3, SysID: "7", Timeline: 1},
		Backends: []event.Backend{{ID: 0, State: "up"}, {ID: 1, State: "up"}}}})
	hear(t, s.guide, 10*time.Second, tick(3, 2*time.Second))
	return s
}

// show is what matters of a Map under a guide.
func show(m *Map) string {
	out := ""
	for i, n := range m.Nodes {
		word := "closed"
		switch {
		case n.Up && m.Primary == n.ID:
			word = "writes"
		case n.Up:
			word = "reads"
		case n.Fenced:
			word = "fenced"
		}
		if i > 0 {
			out += " "
		}
		out += word
	}
	return out
}

func TestGate(t *testing.T) {
	at := met{network: "tcp", address: "x"}
	for _, c := range []struct {
		name string
		do   func(s *state)
		now  time.Duration
		want string
	}{
		{"the lease runs", func(s *state) {}, 11 * time.Second, "writes reads"},
		{"the lease is over", func(s *state) {}, 12 * time.Second, "fenced reads"},
		{"it is renewed", func(s *state) { hear(t, s.guide, 11*time.Second, tick(3, 2*time.Second)) }, 12 * time.Second, "writes reads"},
		{"it is taken back: what runs may end", func(s *state) { hear(t, s.guide, 11*time.Second, event.Tick{Quorum: event.QuorumFull}) }, 11 * time.Second, "closed reads"},
		{"and is over then", func(s *state) { hear(t, s.guide, 11*time.Second, event.Tick{Quorum: event.QuorumFull}) }, 12 * time.Second, "fenced reads"},
		{"the quorum is lost", func(s *state) {
			e := tick(3, 2*time.Second)
			e.Quorum = event.QuorumNone
			hear(t, s.guide, 11*time.Second, e)
		}, 11 * time.Second, "closed reads"},
		{"pgwatch is not heard any more", func(s *state) { s.guide.lost() }, 11 * time.Second, "writes reads"},
		{"a new epoch without a lease of it", func(s *state) {
			hear(t, s.guide, 11*time.Second, event.Primary{ID: 1, Epoch: 4, SysID: "7", Timeline: 2})
		}, 11 * time.Second, "fenced closed"},
		{"a new epoch whose primary does not say so yet", func(s *state) {
			hear(t, s.guide, 11*time.Second, event.Primary{ID: 1, Epoch: 4, SysID: "7", Timeline: 2})
			hear(t, s.guide, 11*time.Second, tick(4, 2*time.Second))
		}, 11 * time.Second, "fenced closed"},
		{"a new epoch", func(s *state) {
			hear(t, s.guide, 11*time.Second, event.Primary{ID: 1, Epoch: 4, SysID: "7", Timeline: 2})
			hear(t, s.guide, 11*time.Second, tick(4, 2*time.Second))
			s.seen(1, at, primary(2))
		}, 11 * time.Second, "fenced writes"},
		{"an old epoch does not come back", func(s *state) { hear(t, s.guide, 11*time.Second, event.Primary{ID: 1, Epoch: 2}) }, 11 * time.Second, "writes reads"},
		{"another timeline than pgwatch's", func(s *state) {
			hear(t, s.guide, 11*time.Second, event.Primary{ID: 0, Epoch: 4, SysID: "7", Timeline: 9})
			hear(t, s.guide, 11*time.Second, tick(4, 2*time.Second))
		}, 11 * time.Second, "fenced reads"},
		{"another cluster", func(s *state) {
			hear(t, s.guide, 11*time.Second, event.Primary{ID: 0, Epoch: 4, SysID: "8", Timeline: 1})
			hear(t, s.guide, 11*time.Second, tick(4, 2*time.Second))
		}, 11 * time.Second, "fenced reads"},
		{"the standby is detached", func(s *state) {
			hear(t, s.guide, 11*time.Second, event.Backend{ID: 1, State: "down", Reason: "an operator"})
		}, 11 * time.Second, "writes closed"},
	} {
		s := governed(t)
		c.do(s)
		if got := show(s.resolve(later, c.now)); got != c.want {
			t.Errorf("%s: %s, wanted %s", c.name, got, c.want)
		}
	}
}

func TestGateIsClosedBeforePgwatchIsHeard(t *testing.T) {
	s := two()
	s.guide = newGuide(true)
	s.seen(0, met{network: "tcp", address: "x"}, primary(1))
	if m := s.resolve(later, time.Hour); m.Primary != -1 || m.Nodes[0].Up {
		t.Error(line(m))
	}
}

// Without a gate pgwatch only takes servers out.
func TestAdvice(t *testing.T) {
	s := governed(t)
	s.guide.gate = false
	hear(t, s.guide, 0, event.Backend{ID: 1, State: "down"})
	if got := show(s.resolve(later, time.Hour)); got != "writes closed" {
		t.Error(got)
	}
	hear(t, s.guide, 0, event.Backend{ID: 1, State: "unused"})
	if got := show(s.resolve(later, time.Hour)); got != "writes reads" {
		t.Errorf("of a server that pgwatch watches no more: %s", got)
	}
	hear(t, s.guide, 0, event.Backend{ID: 1, State: "down"})
	s.guide.lost()
	if got := show(s.resolve(later, time.Hour)); got != "writes reads" {
		t.Errorf("after it has gone: %s", got)
	}
}

// Whatever comes: nobody writes without a lease of the present epoch that has not run out.
func TestWritesNeedALease(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, now := newGuide(true), time.Duration(0)
		leases := map[uint64]time.Duration{}
		for range rapid.IntRange(1, 50).Draw(t, "events") {
			now += time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond
			epoch := uint64(rapid.IntRange(1, 4).Draw(t, "epoch"))
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				hear(t, g, now, event.Primary{ID: int(epoch % 2), Epoch: epoch})
			case 1:
				hear(t, g, now, tick(epoch, 2*time.Second))
				leases[epoch] = now + 2*time.Second
			case 2:
				hear(t, g, now, event.Snapshot{Map: event.Map{Epoch: epoch, Primary: &event.Primary{ID: int(epoch % 2), Epoch: epoch}}})
			}
			if g.open(now) && now >= leases[g.epoch] {
				t.Fatalf("at %v it writes in epoch %d, whose lease was over at %v", now, g.epoch, leases[g.epoch])
			}
		}
	})
}

func TestGarbageIsAnError(t *testing.T) {
	g := newGuide(true)
	err := g.take(event.Event{Type: event.TypePrimary, D: json.RawMessage(`{"epoch":"x"}`)}, 0, 0)
	if err == nil || !strings.Contains(err.Error(), "primary") {
		t.Errorf("%v", err)
	}
}
