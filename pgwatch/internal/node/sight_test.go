package node

import (
	"reflect"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/gossip"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

const three = `
use_watchdog = on
wd_authkey = 'a secret'
hostname0 = 'a'
wd_port0 = 9000
heartbeat_hostname0 = 'a0; a1'
heartbeat_port0 = 9694
heartbeat_device0 = 'eth0;eth1'
hostname1 = 'b'
wd_port1 = 9000
heartbeat_port1 = 9695
hostname2 = 'c'
wd_port2 = 9000
backend_hostname0 = 'a'
backend_port0 = 5432
`

// crew are the settings of node 0, 1 or 2 of three.
func crew(t *testing.T, id int, more string) *Settings {
	t.Helper()
	s, err := NewSettings(t.Context(), load(t, three+more), nil, nil, id, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHeartbeat(t *testing.T) {
	for _, c := range []struct {
		id   int
		more string
		want *gossip.Config
	}{
		{0, "", &gossip.Config{Self: 0, Key: "a secret", Listen: []string{"eth0", "eth1"}, Advertise: "a0:9694", Port: 9694, Seeds: []string{"b:9695"}}},
		{1, "", &gossip.Config{Self: 1, Key: "a secret", Advertise: "b:9695", Port: 9695, Seeds: []string{"a0:9694", "a1:9694"}}},
		{1, "wd_heartbeat_listen_addresses = '127.0.0.1, ::1'\nwd_heartbeat_listen_port = 77",
			&gossip.Config{Self: 1, Key: "a secret", Listen: []string{"127.0.0.1", "::1"}, Advertise: "b:9695", Port: 77, Seeds: []string{"a0:9694", "a1:9694"}}},
		{2, "", nil},
	} {
		if got := crew(t, c.id, c.more).Heartbeat; !reflect.DeepEqual(got, c.want) {
			t.Errorf("node %d %s: %+v, not %+v", c.id, c.more, got, c.want)
		}
	}
}

// A node is alive when the authority hears it, and suspect when only one of authority and gossip does. Who was never
// heard by gossip may have no heartbeats at all.
func TestMemberState(t *testing.T) {
	s := crew(t, 0, "")
	for _, c := range []struct {
		name                      string
		voted, known, heard, gone bool
		want                      string
	}{
		{name: "by nobody", want: "dead"},
		{name: "on wd_port, no heartbeats", voted: true, want: "alive"},
		{name: "on both", voted: true, known: true, heard: true, want: "alive"},
		{name: "on wd_port only", voted: true, known: true, want: "suspect"},
		{name: "by heartbeat only", known: true, heard: true, want: "suspect"},
		{name: "no more", known: true, want: "dead"},
		{name: "left in order", known: true, heard: true, gone: true, want: "left"},
	} {
		v := &authority.View{Alive: []clustermap.NodeID{0}}
		if c.voted {
			v.Alive = append(v.Alive, 1)
		}
		seen := &sight{peers: map[clustermap.NodeID]gossip.Peer{}}
		if c.known {
			seen.peers[1] = gossip.Peer{Alive: c.heard}
		}
		if e := s.member(v, &clustermap.Member{ID: 1, Left: c.gone}, seen); e.State != c.want || e.ID != "b:9000" {
			t.Errorf("heard %s: %+v", c.name, e)
		}
	}
}

func TestOpinionsOfAllNodes(t *testing.T) {
	s := crew(t, 0, "")
	seen := &sight{
		backends: []report.Backend{{ID: 0, Health: report.Refused}},
		peers: map[clustermap.NodeID]gossip.Peer{
			1: {Alive: true, Opinion: gossip.Opinion{Role: gossip.Leads, Backends: map[int]report.Health{0: report.Refused}}},
			2: {Alive: true, Opinion: gossip.Opinion{Role: gossip.Follows, Backends: map[int]report.Health{0: report.Well}}},
		},
	}
	v := &authority.View{Leader: 1, Map: clustermap.Map{Epoch: 1, Primary: &clustermap.Primary{Backend: 0},
		Members: []clustermap.Member{{ID: 0}, {ID: 1}, {ID: 2}}, Backends: []clustermap.Backend{{ID: 0, Host: "a", Port: 5432, Status: clustermap.Attached}}}}
	if e := s.backend(v, 0, seen); e.State != "down" || !reflect.DeepEqual(e.By, []string{"a:9000", "b:9000"}) {
		t.Errorf("%+v", e)
	}
	n := &Node{Settings: s, clock: func() time.Duration { return 0 }, observer: newObserver(0, nil)}
	n.latest.Store(s)
	st := n.status(v, *seen)
	if want := map[string]string{"a:9000": "refused", "b:9000": "refused", "c:9000": "well"}; !reflect.DeepEqual(st.Backends[0].Opinions, want) {
		t.Errorf("opinions are %v", st.Backends[0].Opinions)
	}
	if st.Members[0].Role != "follower" || st.Members[1].Role != "leader" {
		t.Errorf("roles are %+v", st.Members)
	}
	if o := s.opinion(v, seen); o.Role != gossip.Follows || o.Backends[0] != report.Refused {
		t.Errorf("it tells %+v", o)
	}
}
