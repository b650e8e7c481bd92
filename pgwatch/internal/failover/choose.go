package failover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A choice is a backend that may become the primary.
type choice struct {
	backend  int
	timeline uint32
	position uint64 // of the end of its WAL on disk
	lag      uint64 // bytes that the old primary is known to have had beyond it
}

// after reports whether c has WAL that o has not.
func (c choice) after(o choice) bool {
	return c.timeline > o.timeline || c.timeline == o.timeline && c.position > o.position
}

// A wish narrows a choice.
type wish struct {
	to        int // only this one, unless it is None
	except    int // not this one
	allowLoss bool
}

// anyone is no wish at all.
var anyone = wish{to: clustermap.None, except: clustermap.None}

// wishOf returns what a failover asks of its candidate.
func wishOf(f *clustermap.Failover) wish { return wish{f.To, clustermap.None, f.AllowLoss} }

// choose returns the best candidate in the place of the primary: the newest timeline, then most WAL, then the lowest
// number, so that every leader would choose the same. With an epoch only those count that were recruited for it. Without a
// choice it says why.
func (s *scene) choose(epoch uint64, w wish) (choice, string) {
	var able []choice
	var reasons []string
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		if b.ID == s.Map.PrimaryID() || b.ID == w.except {
			continue
		}
		c, why := s.candidate(b, epoch)
		if why != "" {
			reasons = append(reasons, fmt.Sprintf("backend %d %s", b.ID, why))
			continue
		}
		able = append(able, c)
	}
	if !w.allowLoss {
		if why := s.incomplete(able); why != "" {
			return choice{}, strings.Join(append(reasons, why), "; ")
		}
	}
	furthest := s.furthestSync(able)
	best := choice{backend: clustermap.None}
	for _, c := range able {
		why := s.unfit(c, w)
		if why == "" && !w.allowLoss && furthest.after(c) {
			why = fmt.Sprintf("lacks what synchronous standby %d has", furthest.backend)
		}
		if why != "" {
			reasons = append(reasons, fmt.Sprintf("backend %d %s", c.backend, why))
			continue
		}
		if best.backend == clustermap.None || c.after(best) {
			best = c
		}
	}
	if best.backend != clustermap.None {
		return best, ""
	}
	if len(reasons) == 0 {
		return best, "there is no other backend"
	}
	return best, strings.Join(reasons, "; ")
}

// candidate says where a backend's WAL ends, or why it cannot take part.
func (s *scene) candidate(b *clustermap.Backend, epoch uint64) (choice, string) {
	v := s.view(b.ID)
	node, local, watched := s.agent(b.ID)
	switch {
	case b.Status == clustermap.Detached || b.Status == clustermap.Quarantined:
		return choice{}, "is " + string(b.Status)
	case foreign(v.SystemID, s.Map.Primary.SystemID):
		return choice{}, "is of another cluster"
	case epoch == 0 && s.fallen(b.ID):
		return choice{backend: b.ID}, "" // it is started when it is recruited, and then tells what it has
	case v.Health != report.Well:
		return choice{}, "is " + string(v.Health)
	case watched && !s.fresh(node):
		return choice{}, fmt.Sprintf("is out of reach: node %d is silent", node)
	}
	c := choice{backend: b.ID, timeline: v.Timeline, position: max(v.Received, v.LSN)}
	if !v.Standby {
		if f := s.Map.Failover; f != nil && f.To == b.ID && v.Timeline > s.Map.Primary.Timeline {
			return c, "" // somebody has promoted it already
		}
		return choice{}, "is a primary"
	}
	if epoch != 0 && watched {
		if local.Recruited < epoch {
			return choice{}, "is not recruited yet"
		}
		if local.End != 0 {
			c.timeline, c.position = max(c.timeline, local.Timeline), local.End
		}
	}
	if epoch != 0 && !watched && !s.p.traces[b.ID].rests() {
		return choice{}, "receives still"
	}
	if c.timeline < s.Map.Primary.Timeline && s.p.traces[b.ID].streamed != s.Map.Epoch {
		return choice{}, fmt.Sprintf("is on timeline %d, behind %d", c.timeline, s.Map.Primary.Timeline)
	}
	if s.p.written > c.position {
		c.lag = s.p.written - c.position
	}
	return c, ""
}

// unfit says why a backend that takes part must not become the primary.
func (s *scene) unfit(c choice, w wish) string {
	sync := s.Map.Primary.Sync
	switch {
	case w.to != clustermap.None && w.to != c.backend:
		return "is not the one that is wanted"
	case w.allowLoss:
		return ""
	case sync != nil && !slices.Contains(sync.Backends, c.backend):
		return "is not a synchronous standby"
	case c.lag > s.Policy.MaxLag:
		return fmt.Sprintf("lacks %d bytes, more than failover_max_lag = %d", c.lag, s.Policy.MaxLag)
	}
	return ""
}

// incomplete says what is missing to be sure that one of them has every commit that was acknowledged: so many of the
// synchronous standbys that each commit, which Num of them confirmed, is on one of these at least.
func (s *scene) incomplete(able []choice) string {
	sync := s.Map.Primary.Sync
	if sync == nil {
		return ""
	}
	have := 0
	for _, c := range able {
		if slices.Contains(sync.Backends, c.backend) {
			have++
		}
	}
	if need := max(1, len(sync.Backends)+sync.Others-sync.Num+1); have < need {
		return fmt.Sprintf("commits may be on synchronous standbys that are not here: %d of them are, %d are needed", have, need)
	}
	return ""
}

// furthestSync returns the synchronous standby with most WAL: what it has may have been acknowledged.
func (s *scene) furthestSync(able []choice) choice {
	furthest := choice{backend: clustermap.None}
	for _, c := range able {
		if sync := s.Map.Primary.Sync; sync != nil && slices.Contains(sync.Backends, c.backend) && c.after(furthest) {
			furthest = c
		}
	}
	return furthest
}
