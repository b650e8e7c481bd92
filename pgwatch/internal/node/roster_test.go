package node

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// servers are those of a file, by their numbers.
func servers(ids ...int) (list []clustermap.Backend) {
	for _, id := range ids {
		list = append(list, clustermap.Backend{ID: id, Host: "h", Port: 5000 + id})
	}
	return list
}

// agreed is a View of a crew with these servers, of which 0 is the primary.
func agreed(leading bool, ids ...int) *authority.View {
	return &authority.View{Leading: leading, Map: clustermap.Map{Cluster: "c", Primary: &clustermap.Primary{Backend: 0}, Backends: servers(ids...)}}
}

// A rostered is a node's roster with its log.
type rostered struct {
	*roster
	log *bytes.Buffer
}

func startRoster(path string, ids ...int) rostered {
	log := new(bytes.Buffer)
	return rostered{newRoster(path, servers(ids...), slog.New(slog.NewTextHandler(log, nil))), log}
}

// asks tells whether a leader with this roster has its list agreed on.
func (r rostered) asks(v *authority.View) bool {
	plan := r.configured(func(authority.Situation) authority.Plan { return authority.Plan{} })
	p := plan(authority.Situation{Map: v.Map})
	return len(p.Commands) == 1 && sameBackends(p.Commands[0].Configure.Backends, r.list)
}

func TestFirstLeaderNamesTheServers(t *testing.T) {
	r := startRoster(filepath.Join(t.TempDir(), "b"), 0, 1)
	if !r.asks(&authority.View{}) {
		t.Error("a new crew has no servers")
	}
}

func TestReloadOfTheLeaderDecides(t *testing.T) {
	r := startRoster(filepath.Join(t.TempDir(), "b"), 0, 1)
	v := agreed(true, 0, 1)
	r.settle(v)
	if r.asks(v) {
		t.Error("what is agreed on is asked for again")
	}
	r.replace(servers(0, 1, 2), true)
	if !r.asks(v) {
		t.Error("a server was added, and nobody hears of it")
	}
	v.Map.Failover = &clustermap.Failover{}
	if r.asks(v) {
		t.Error("servers change while a failover runs")
	}
	v = agreed(true, 0, 1, 2)
	r.settle(v)
	r.replace(servers(0, 2), true)
	if !r.asks(v) {
		t.Error("a server was taken out, and nobody hears of it")
	}
	if r.log.Len() > 0 {
		t.Errorf("it complains: %s", r.log)
	}
	r.replace(servers(1, 2), true)
	for range 2 {
		r.settle(v)
	}
	if r.asks(v) || strings.Count(r.log.String(), "switch over first") != 1 {
		t.Errorf("the primary is taken out: %s", r.log)
	}
}

// A node that was away while a server was added leaves the crew alone when it leads, until its file changes.
func TestOldFileIsSilent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b")
	startRoster(path, 0, 1).settle(agreed(false, 0, 1))
	r := startRoster(path, 0, 1)
	for _, leading := range []bool{false, true, true} {
		r.settle(agreed(leading, 0, 1, 2))
	}
	if r.asks(agreed(true, 0, 1, 2)) {
		t.Error("an old file takes a server out")
	}
	if n := strings.Count(r.log.String(), "the file of this node names other servers"); n != 2 {
		t.Errorf("it was said %d times, and should be once while it follows and once while it leads: %s", n, r.log)
	}
	r.replace(servers(0, 1), true)
	if !r.asks(agreed(true, 0, 1, 2)) {
		t.Error("the leader was reloaded, and its file does not count")
	}
}

// A file that has changed while its node was stopped speaks when the node leads, also when another one had led before.
func TestChangedFileSpeaks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b")
	startRoster(path, 0, 1).settle(agreed(false, 0, 1))
	r := startRoster(path, 0, 1, 2)
	r.settle(agreed(false, 0, 1))
	if !r.asks(agreed(true, 0, 1)) {
		t.Error("the newer file does not count")
	}
	r.settle(agreed(false, 0, 1, 2)) // another leader had the same file
	if r.asks(agreed(true, 0, 1, 2, 3)) {
		t.Error("it still speaks after it was agreed on")
	}
}

// Without a record of what was agreed on, the crew's list counts.
func TestLostRecordIsSilent(t *testing.T) {
	r := startRoster(filepath.Join(t.TempDir(), "b"), 0, 1)
	if r.asks(agreed(true, 0, 1, 2)) {
		t.Error("a file of which nothing is known takes a server out")
	}
}
