package failover

import (
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A trial is how auto_recover fares with a backend.
type trial struct {
	next  time.Duration // not before
	pause time.Duration // after the next failure
	id    string        // of the newest recovery
}

// ownWishes begins recoveries that nobody asked for, when auto_recover allows it: of a former primary that has not followed
// since, and of a standby that lives and cannot follow. What an operator detached, or stopped, is left alone.
func (s *scene) ownWishes() {
	if !s.Policy.AutoRecover || s.Map.Primary == nil {
		return
	}
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		s.weigh(b.ID)
		why := ""
		if s.Map.Pause == nil && s.Map.Failover == nil && b.ID != s.Map.PrimaryID() && !s.isRecovered(b.ID) {
			why = s.broken(b)
		}
		t := s.p.trials[b.ID]
		if s.held(fmt.Sprint("broken ", b.ID), why != "") < brokenFor || t != nil && s.Now < t.next {
			continue
		}
		if t == nil {
			t = &trial{pause: trialPause}
			s.p.trials[b.ID] = t
		}
		s.p.count++
		t.id = fmt.Sprintf("auto-%d-%d", s.Term, s.p.count)
		s.p.jobs[b.ID] = &job{wish: Wish{ID: t.id, Backend: b.ID, By: "auto_recover"}, node: clustermap.None, ordered: s.Now}
		s.log("auto_recover "+t.id, b.ID, fmt.Sprintf("backend %d is recovered: %s", b.ID, why))
	}
}

// weigh takes note of how the newest trial ended.
func (s *scene) weigh(b int) {
	t, j := s.p.trials[b], s.p.jobs[b]
	if t == nil || t.id == "" || j == nil || j.wish.ID != t.id || !s.over(j) {
		return
	}
	if r, _ := s.recovery(b); r.Err == "" {
		delete(s.p.trials, b)
		return
	}
	t.id, t.next, t.pause = "", s.Now+t.pause, min(2*t.pause, trialCap)
}

// broken says why a backend does not come back by itself; "" when it may, or when that is nobody's business.
func (s *scene) broken(b *clustermap.Backend) string {
	node, local, ok := s.agent(b.ID)
	v := s.view(b.ID)
	t := s.p.traces[b.ID]
	switch {
	case !ok || !s.fresh(node) || b.Status == clustermap.Detached || s.follows(b.ID) || foreign(v.SystemID, s.Map.Primary.SystemID):
		return ""
	case b.Led > local.Follows && b.Status != clustermap.Attached:
		return fmt.Sprintf("it was the primary of epoch %d", b.Led)
	case v.Health != report.Well || !v.Standby || v.Paused:
		return ""
	case local.ErrOrder == string(report.DoFollow):
		return "it cannot follow the primary: " + local.Err
	case s.held(fmt.Sprint("astray ", b.ID), t.streamed != 0) >= strayFor:
		return fmt.Sprintf("it has followed nobody for %v", strayFor)
	}
	return ""
}
