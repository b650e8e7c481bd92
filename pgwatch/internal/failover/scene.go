package failover

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A scene is one Input looked at, and the Plan that comes of it.
type scene struct {
	*Input
	p     *Planner
	plan  Plan
	nodes []clustermap.NodeID // that ever reported, by number
	since time.Duration       // since when this leader sees everything: silence from before that means nothing
	views map[int]sighting
}

// A sighting is the view of a backend that counts, and when it came.
type sighting struct {
	report.Backend
	at time.Duration
}

func newScene(in *Input, p *Planner) *scene {
	return &scene{Input: in, p: p, nodes: slices.Sorted(maps.Keys(in.Reports)), views: map[int]sighting{}}
}

// fresh reports whether a node told just now how things are.
func (s *scene) fresh(n clustermap.NodeID) bool {
	a, ok := s.Reports[n]
	return ok && s.Now-a.At <= freshFor
}

// silent reports whether nothing came from a node for so long that its host may be gone. Its leases may not be over yet; a failover
// that begins meanwhile opens its epoch after they are.
func (s *scene) silent(n clustermap.NodeID) bool {
	return s.Now-max(s.Reports[n].At, s.since) > silentFor
}

// agent returns the node on a backend's host that can act there. It is known by what it reports; a leader that never
// heard it goes by the name of the host.
func (s *scene) agent(b int) (node clustermap.NodeID, local report.Local, ok bool) {
	for _, n := range s.nodes {
		for _, l := range s.Reports[n].Report.Local {
			if l.ID == b && (!ok || !s.fresh(node) && s.Reports[n].At > s.Reports[node].At) {
				node, local, ok = n, l, true
			}
		}
	}
	if ok {
		return node, local, local.Postmaster != report.Unknown
	}
	host := s.Map.Backend(b).Host
	for _, m := range s.Map.Members {
		if _, heard := s.Reports[m.ID]; !heard && m.Host == host && !m.Witness && !m.Left {
			return m.ID, report.Local{ID: b}, true
		}
	}
	return clustermap.None, report.Local{}, false
}

// seenBy returns a node's view of a backend, if it has one.
func (s *scene) seenBy(n clustermap.NodeID, b int) (report.Backend, bool) {
	for _, v := range s.Reports[n].Report.Backends {
		if v.ID == b {
			return v, v.Health != report.Unseen && v.Health != ""
		}
	}
	return report.Backend{}, false
}

// view returns how a backend looks now: to the node on its own host, else to the node that sees most of it.
// Its Health is Unseen when nobody looks.
func (s *scene) view(b int) sighting {
	if v, ok := s.views[b]; ok {
		return v
	}
	best := sighting{Backend: report.Backend{ID: b, Health: report.Unseen}}
	own, _, _ := s.agent(b)
	for _, n := range s.nodes {
		v, ok := s.seenBy(n, b)
		if !ok || !s.fresh(n) {
			continue
		}
		if n == own {
			best = sighting{v, s.Reports[n].At}
			break
		}
		if rank(v) > rank(best.Backend) || rank(v) == rank(best.Backend) && v.LSN > best.LSN {
			best = sighting{v, s.Reports[n].At}
		}
	}
	s.views[b] = best
	return best
}

func rank(v report.Backend) int {
	switch {
	case v.Health == report.Well:
		return 3
	case v.Health.Lives():
		return 2
	case v.Health != report.Unseen:
		return 1
	}
	return 0
}

// A poll counts how a backend looks to nodes that told just now.
type poll struct{ asked, against, lives int }

// ask asks all nodes but one, by a rule that says which views speak against the backend.
func (s *scene) ask(b int, except clustermap.NodeID, against func(report.Backend) bool) poll {
	var p poll
	for _, n := range s.nodes {
		v, ok := s.seenBy(n, b)
		if n == except || !ok || !s.fresh(n) || s.Quorum == event.QuorumEdge && s.Reports[n].Report.Arbiters == "lost" {
			continue
		}
		p.asked++
		if against(v) {
			p.against++
		}
		if v.Health.Lives() {
			p.lives++
		}
	}
	return p
}

// most reports whether more than half of those who were asked speak against the backend.
func (p poll) most() bool { return 2*p.against > p.asked }

// follows reports whether a backend is seen to stream the history of the primary. While its own host calls it dead, one of the two
// has not looked again yet.
func (s *scene) follows(b int) bool {
	if node, local, ok := s.agent(b); ok && s.fresh(node) && local.Postmaster != report.Runs {
		return false
	}
	v, primary := s.view(b), s.Map.Primary
	if v.Health != report.Well || !v.Standby || v.Upstream == "" || foreign(v.SystemID, primary.SystemID) {
		return false
	}
	for i := range s.Map.Backends {
		if up := &s.Map.Backends[i]; v.Upstream == address(up) {
			return up.ID == primary.Backend || !s.isPrimary(up.ID) && v.Timeline >= primary.Timeline
		}
	}
	// A host has other names and addresses for its receiver than for us. The timeline tells whose history it gets.
	return v.Timeline >= primary.Timeline
}

func address(b *clustermap.Backend) string { return net.JoinHostPort(b.Host, strconv.Itoa(b.Port)) }

// foreign reports whether two servers are known to be of different clusters.
func foreign(a, b string) bool { return a != "" && b != "" && a != b }

// isPrimary reports whether a backend answers, and as a primary.
func (s *scene) isPrimary(b int) bool {
	v := s.view(b)
	return v.Health == report.Well && !v.Standby && (v.Timeline > 0 || s.Policy.Backends[b].AlwaysPrimary)
}
