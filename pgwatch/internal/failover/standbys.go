package failover

import (
	"fmt"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// standbys proposes what becomes of backends that are not the primary: those that are lost are Down, and those that
// were Down and provably follow the primary again come back, when auto_failback wants it. What an operator detached
// stays so.
func (s *scene) standbys() *clustermap.Command {
	if s.Map.Pause != nil {
		return nil
	}
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		if b.ID == s.Map.PrimaryID() || s.isRecovered(b.ID) {
			continue
		}
		switch b.Status {
		case clustermap.Attached:
			if l, lost := s.lost(b.ID); lost && !s.Policy.Backends[b.ID].NoFailover {
				return &clustermap.Command{Backend: &clustermap.SetBackend{ID: b.ID, Status: clustermap.Down, Reason: l.reason}}
			}
		case clustermap.Down, clustermap.Quarantined:
			if !s.Policy.AutoFailback || !s.follows(b.ID) {
				continue
			}
			if t := s.p.traces[b.ID]; t.attached == 0 || s.Now-t.attached >= s.Policy.FailbackPause {
				return &clustermap.Command{Backend: &clustermap.SetBackend{ID: b.ID, Status: clustermap.Attached, Reason: fmt.Sprintf("it follows backend %d", s.Map.PrimaryID())}}
			}
		}
	}
	return nil
}
