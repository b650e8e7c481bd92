package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/probe"
)

var epochZero = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// later is when a start waits for nobody any more.
var later = epochZero.Add(patience)

func two() *state {
	s := newState()
	s.configure([]backend{
		{id: 0, host: "db0", port: 5432, weight: 0.5, name: "a", allowFailover: true},
		{id: 1, host: "db1", port: 5432, weight: 0.5, name: "b", allowFailover: true},
	}, epochZero)
	return s
}

func primary(timeline uint32) *probe.Sample {
	return &probe.Sample{Identity: probe.Identity{System: "7"}, LSN: 1000, Timeline: timeline,
		Replicas: []probe.Replica{{Name: "b", State: "streaming", Sync: "async", Lag: 3 * time.Millisecond}}}
}

func standby(lsn uint64) *probe.Sample {
	return &probe.Sample{Identity: probe.Identity{System: "7"}, Standby: true, LSN: lsn}
}

// line shows what a test wants to see of a Map.
func line(m *Map) string {
	out := fmt.Sprintf("epoch %d primary %d", m.Epoch, m.Primary)
	for _, n := range m.Nodes {
		out += fmt.Sprintf("; %s up=%t %s pg=%s/%s", n.Status, n.Up, n.Role, n.PGStatus, n.PGRole)
	}
	return out
}

func TestResolve(t *testing.T) {
	at := met{network: "tcp", address: "x"}
	for _, c := range []struct {
		name string
		do   func(s *state)
		want string
	}{
		{"nothing is known", func(s *state) {},
			"epoch 0 primary -1; waiting up=false unknown pg=unknown/unknown; waiting up=false unknown pg=unknown/unknown"},
		{"both are there", func(s *state) {
			s.seen(0, at, primary(1))
			s.seen(1, at, standby(900))
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=true standby pg=up/standby"},
		{"the standby dies", func(s *state) {
			s.seen(0, at, primary(1))
			s.seen(1, at, standby(900))
			s.missed(1, dead, "refused")
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; down up=false standby pg=down/unknown"},
		{"the standby starts up", func(s *state) {
			s.seen(0, at, primary(1))
			s.missed(1, starting, "starting up")
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=false standby pg=down/unknown"},
		{"the standby comes back", func(s *state) {
			s.seen(0, at, primary(1))
			s.missed(1, dead, "refused")
			s.resolve(later, 0)
			s.seen(1, at, standby(900))
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=true standby pg=up/standby"},
		{"too many connections after a look", func(s *state) {
			s.seen(0, at, primary(1))
			s.seen(1, at, standby(900))
			s.missed(0, alive, "too many")
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=true standby pg=up/standby"},
		{"the primary dies, nobody is promoted", func(s *state) {
			s.seen(0, at, primary(1))
			s.seen(1, at, standby(900))
			s.resolve(later, 0)
			s.missed(0, dead, "refused")
		}, "epoch 1 primary -1; down up=false primary pg=down/unknown; waiting up=true standby pg=up/standby"},
		{"the primary restarts", func(s *state) {
			s.seen(0, at, primary(1))
			s.resolve(later, 0)
			s.missed(0, dead, "refused")
			s.resolve(later, 0)
			s.seen(0, at, primary(1))
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=false unknown pg=unknown/unknown"},
		{"the standby is promoted, and the old primary comes back as one", func(s *state) {
			s.seen(0, at, primary(1))
			s.seen(1, at, standby(900))
			s.resolve(later, 0)
			s.missed(0, dead, "refused")
			s.seen(1, at, primary(2))
			s.resolve(later, 0)
			s.seen(0, at, primary(1))
		}, "epoch 2 primary 1; waiting up=false standby pg=up/primary; waiting up=true primary pg=up/primary"},
		{"the standby is promoted beside the primary", func(s *state) {
			s.seen(0, at, primary(1))
			s.seen(1, at, standby(900))
			s.resolve(later, 0)
			s.seen(1, at, primary(2))
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=false standby pg=up/primary"},
		{"two primaries from the start: the lower ID", func(s *state) {
			s.seen(1, at, primary(1))
			s.seen(0, at, primary(1))
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=false standby pg=up/primary"},
		{"two primaries from the start: the one promoted later", func(s *state) {
			s.seen(0, at, primary(1))
			s.seen(1, at, primary(2))
		}, "epoch 1 primary 1; waiting up=false standby pg=up/primary; waiting up=true primary pg=up/primary"},
		{"a standby of another cluster", func(s *state) {
			s.seen(0, at, primary(1))
			other := standby(900)
			other.System = "8"
			s.seen(1, at, other)
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=false standby pg=up/standby"},
		{"nobody tells its role", func(s *state) {
			s.missed(0, dead, "refused")
			s.missed(1, alive, "no password")
		}, "epoch 1 primary 1; down up=false standby pg=down/unknown; waiting up=true primary pg=up/unknown"},
		{"one does not tell its role", func(s *state) {
			s.seen(0, at, primary(1))
			s.missed(1, alive, "no password")
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=true standby pg=up/unknown"},
		{"the primary does not tell its role, the standby does", func(s *state) {
			s.missed(0, alive, "no password")
			s.seen(1, at, standby(900))
		}, "epoch 0 primary -1; waiting up=true unknown pg=up/unknown; waiting up=true standby pg=up/standby"},
		{"always primary, though it says it recovers", func(s *state) {
			s.members[1].alwaysPrimary = true
			s.seen(0, at, standby(900))
			s.seen(1, at, standby(900))
		}, "epoch 1 primary 1; waiting up=true standby pg=up/standby; waiting up=true primary pg=up/standby"},
		{"always primary is dead", func(s *state) {
			s.members[1].alwaysPrimary = true
			s.seen(0, at, primary(1))
			s.missed(1, dead, "refused")
		}, "epoch 0 primary -1; waiting up=false unknown pg=up/primary; down up=false unknown pg=down/unknown"},
		{"a node that must not be set down dies", func(s *state) {
			s.members[1].allowFailover = false
			s.seen(0, at, primary(1))
			s.missed(1, dead, "refused")
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=false standby pg=down/unknown"},
		{"the health check gives a standby up, and takes it back", func(s *state) {
			s.seen(0, at, primary(1))
			s.seen(1, at, standby(900))
			s.health(1, "timeout")
			if got := line(s.resolve(later, 0)); got != "epoch 1 primary 0; waiting up=true primary pg=up/primary; down up=false standby pg=up/standby" {
				panic(got)
			}
			s.health(1, "")
		}, "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=true standby pg=up/standby"},
		{"a session uses a node", func(s *state) {
			s.seen(0, at, primary(1))
			s.resolve(later, 0)
			s.used(0, epochZero)
			s.used(1, epochZero)
		}, "epoch 1 primary 0; up up=true primary pg=up/primary; waiting up=false unknown pg=unknown/unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := two()
			c.do(s)
			if got := line(s.resolve(later, 0)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestStartWaitsForSlowServers(t *testing.T) {
	s := two()
	s.seen(0, met{}, primary(1))
	if got := s.resolve(epochZero, 0); got.Primary != -1 {
		t.Errorf("took the first answer: %s", line(got))
	}
	if got := s.resolve(later, 0); got.Primary != 0 || got.Epoch != 1 {
		t.Errorf("waits too long: %s", line(got))
	}
	// The second is slow, but was promoted later: the first answer was wrong.
	s.seen(1, met{}, primary(2))
	if got := s.resolve(later, 0); got.Primary != 1 || got.Epoch != 2 || got.Nodes[0].Up {
		t.Errorf("sticks to the first answer: %s", line(got))
	}
	s.missed(1, dead, "refused")
	s.resolve(later, 0)
	s.seen(1, met{}, primary(1))
	if got := s.resolve(later, 0); got.Primary != 0 || got.Epoch != 3 {
		t.Errorf("the primary that is left must stay: %s", line(got))
	}

	s = two()
	s.seen(0, met{}, primary(1))
	s.missed(1, dead, "refused")
	if got := s.resolve(epochZero, 0); got.Primary != 0 {
		t.Errorf("waits for a server that is known to be dead: %s", line(got))
	}
}

func TestReplicationColumns(t *testing.T) {
	s := two()
	s.seen(0, met{}, primary(1))
	s.seen(1, met{}, standby(900))
	n := s.resolve(later, 0).Nodes[1]
	if n.LagBytes != 100 || n.LagTime != 3*time.Millisecond || n.ReplicationState != "streaming" || n.SyncState != "async" {
		t.Errorf("got %+v", n)
	}
	s.seen(1, met{}, standby(1100)) // read later than the primary's
	if n = s.resolve(later, 0).Nodes[1]; n.LagBytes != 0 {
		t.Errorf("a standby in front of the primary lags by %d", n.LagBytes)
	}
	s.members[1].name = "c"
	if n = s.resolve(later, 0).Nodes[1]; n.ReplicationState != "" {
		t.Errorf("the row of another application_name was taken: %+v", n)
	}
}

func TestReplicaByAddress(t *testing.T) {
	rows := []probe.Replica{{Name: "x", Addr: "10.0.0.1"}, {Name: "y", Addr: "10.0.0.2"}}
	m := &member{addrs: []string{"10.0.0.2"}}
	if r := m.replica(rows, false, false); r == nil || r.Name != "y" {
		t.Errorf("by its own address: %v", r)
	}
	if r := m.replica(rows, true, false); r != nil {
		t.Errorf("an address that two servers share tells nothing, got %v", r)
	}
	m.addrs = []string{"10.0.0.9"}
	if r := m.replica(rows[:1], false, true); r == nil || r.Name != "x" {
		t.Errorf("the only row beside the only other server: %v", r)
	}
	if r := m.replica(rows[:1], false, false); r != nil {
		t.Errorf("with three servers an unknown address is nobody's, got %v", r)
	}
}

func TestConfigureKeepsWhatIsKnown(t *testing.T) {
	s := two()
	s.seen(0, met{network: "tcp", address: "db0:5432"}, primary(1))
	s.seen(1, met{network: "tcp", address: "db1:5432"}, standby(900))
	s.resolve(later, 0)
	s.configure([]backend{
		{id: 0, host: "db0", port: 5432, weight: 1, allowFailover: true},
		{id: 1, host: "db9", port: 5432, allowFailover: true},
	}, epochZero)
	got := s.resolve(later, 0)
	want := "epoch 1 primary 0; waiting up=true primary pg=up/primary; waiting up=false unknown pg=unknown/unknown"
	if line(got) != want || got.Nodes[0].Weight != 1 || got.Nodes[1].Address != "db9:5432" {
		t.Errorf("got %s, %+v", line(got), got.Nodes)
	}
}
