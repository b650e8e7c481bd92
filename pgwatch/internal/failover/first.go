package failover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// first finds the primary of a cluster that has had none: the one backend that is a primary, once every backend was
// looked at. Where two are, nobody can tell which one has the data that people want, so nobody guesses.
func (s *scene) first() *clustermap.Command {
	if s.Map.Pause != nil {
		return nil
	}
	var primaries []report.Backend
	var untold []string // that live, and may be primaries
	unseen := s.unheard(lookFor)
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		v := s.view(b.ID)
		if b.Status == clustermap.Detached {
			continue
		}
		if s.Policy.Backends[b.ID].AlwaysPrimary {
			return s.found(v.Backend)
		}
		if v.Health == report.Well && !v.Standby {
			primaries = append(primaries, v.Backend)
		}
		unseen = unseen || v.Health == report.Unseen
		if v.Health.Lives() && v.Health != report.Well {
			untold = append(untold, fmt.Sprintf("backend %d is %s", b.ID, v.Health))
		}
	}
	looked := s.held("looking", true)
	switch {
	case unseen && looked < lookFor:
		return nil
	case len(untold) > 0:
		s.log("first", clustermap.None, "which backend is the primary cannot be told yet: "+strings.Join(untold, ", "))
		return nil
	case len(primaries) == 0:
		s.log("first", clustermap.None, "no backend is a primary yet")
		return nil
	case len(primaries) > 1:
		s.twoPrimaries(primaries)
		return nil
	}
	p := primaries[0]
	for i := range s.Map.Backends {
		if v := s.view(s.Map.Backends[i].ID); v.Health == report.Well && foreign(v.SystemID, p.SystemID) {
			s.log("first", v.ID, fmt.Sprintf("backend %d (system %s) is no standby of backend %d (system %s): take one of them out of the configuration, or rebuild it",
				v.ID, v.SystemID, p.ID, p.SystemID))
			return nil
		}
	}
	return s.found(p)
}

func (s *scene) found(v report.Backend) *clustermap.Command {
	return &clustermap.Command{Found: &clustermap.Primary{Backend: v.ID, SystemID: v.SystemID, Timeline: v.Timeline, Sync: s.syncOf(v)}}
}

// twoPrimaries says what there is to choose from.
func (s *scene) twoPrimaries(primaries []report.Backend) {
	var ids []int
	var texts []string
	for _, v := range primaries {
		ids = append(ids, v.ID)
		texts = append(texts, fmt.Sprintf("backend %d (system %s, timeline %d)", v.ID, v.SystemID, v.Timeline))
	}
	reason := fmt.Sprintf("more than one backend is a primary: %s; stop all but the right one", strings.Join(texts, ", "))
	if s.p.said["first"] == "\x00"+reason {
		return
	}
	for i, v := range primaries { // positions move, which is no news
		texts[i] += fmt.Sprintf(" at %X/%X", v.LSN>>32, uint32(v.LSN))
	}
	s.note("first", Note{Type: event.TypeSplitBrain, Backend: clustermap.None, Reason: reason, Backends: ids, Evidence: slices.Clone(texts), Candidate: clustermap.None})
}

// falsePrimaries proposes to quarantine backends whose history is not the primary's: those that are primaries against
// the Map, or of another cluster. detach_false_primary stops them, too.
func (s *scene) falsePrimaries() *clustermap.Command {
	// When the primary of the Map is a standby now, somebody is changing roles by hand, and the other one may be right.
	if v := s.view(s.Map.PrimaryID()); s.Map.Pause != nil || v.Health == report.Well && v.Standby {
		return nil
	}
	var c *clustermap.Command
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		f, v := s.Map.Failover, s.view(b.ID)
		if b.ID == s.Map.PrimaryID() || f != nil && (b.ID == f.To || b.ID == f.From) || s.isRecovered(b.ID) {
			continue
		}
		other := v.Health == report.Well && foreign(v.SystemID, s.Map.Primary.SystemID)
		if s.held(fmt.Sprint("false ", b.ID), other || s.isPrimary(b.ID)) < falseFor {
			continue
		}
		if node, _, ok := s.agent(b.ID); ok && s.Policy.DetachFalse && !other && b.Status != clustermap.Detached {
			s.order(node, report.Order{Op: report.DoFence, Backend: b.ID, Epoch: s.Map.Promised, To: clustermap.None})
		}
		if b.Status == clustermap.Quarantined || c != nil {
			continue
		}
		reason := fmt.Sprintf("it is a primary on timeline %d, but backend %d is the primary", v.Timeline, s.Map.PrimaryID())
		if other {
			reason = fmt.Sprintf("it is of system %s, the cluster is %s", v.SystemID, s.Map.Primary.SystemID)
		}
		s.note(fmt.Sprint("false ", b.ID), Note{Type: event.TypeSplitBrain, Backend: b.ID, Reason: reason, Backends: []int{s.Map.PrimaryID(), b.ID}, Candidate: clustermap.None})
		if b.Status == clustermap.Detached {
			continue // an operator's decision stands, and nobody uses it as it is
		}
		c = &clustermap.Command{Backend: &clustermap.SetBackend{ID: b.ID, Status: clustermap.Quarantined, Reason: reason}}
	}
	return c
}

// promotedByHand returns the backend that somebody made the primary without us while the old one became a standby, or
// None. To follow is better than to fight.
func (s *scene) promotedByHand() int {
	old := s.view(s.Map.PrimaryID())
	other, found := clustermap.None, 0
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		v := s.view(b.ID)
		if s.isPrimary(b.ID) && b.Status != clustermap.Detached && !foreign(v.SystemID, s.Map.Primary.SystemID) && v.Timeline > s.Map.Primary.Timeline {
			other, found = b.ID, found+1
		}
	}
	if s.held("promoted by hand", found == 1 && old.Health == report.Well && old.Standby) < falseFor {
		return clustermap.None
	}
	return other
}
