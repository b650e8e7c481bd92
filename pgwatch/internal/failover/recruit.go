package failover

import (
	"fmt"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// recruit has the standbys stop receiving and tell what they have, waits for those that can be reached, and chooses.
func (s *scene) recruit(f *clustermap.Failover) *clustermap.Command {
	all := s.recruitAll(f)
	if waited := s.in(f); !all && (waited < recruitWait || waited < reviveWait && s.mayHaveMore()) {
		return nil
	}
	if s.Now < s.OldLeasesEnd && s.unwatchedSync() {
		s.tell(f, f.State, "no node can stop the synchronous standbys: until the leases are over they may confirm commits to the old primary")
		return nil
	}
	c, why := s.choose(f.Epoch, wishOf(f))
	if why == "" && f.Kind.Orderly() && slices.Contains(f.Evidence, fenced) {
		if why = s.lacks(f, c); why != "" {
			return s.fail(f, why)
		}
	}
	if why != "" {
		return s.stuck(f, why)
	}
	s.moving("stuck")
	return s.chosen(f, c)
}

// recruitAll orders all standbys to be recruited, and reports whether those that can be reached have been.
func (s *scene) recruitAll(f *clustermap.Failover) bool {
	all := !s.unheard(recruitWait)
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		node, local, ok := s.agent(b.ID)
		fell := s.fallen(b.ID)
		if b.ID == f.From || !ok || b.Status == clustermap.Detached || b.Status == clustermap.Quarantined || local.Recruited >= f.Epoch && !fell {
			continue
		}
		s.order(node, report.Order{Op: report.DoRecruit, Backend: b.ID, Epoch: f.Epoch, To: clustermap.None})
		v := s.view(b.ID)
		all = all && !fell && !(s.fresh(node) && v.Health == report.Well && v.Standby)
	}
	return all
}

// fallen reports whether a standby's host says just now that it is dead and was not shut down: as PostgreSQL ends when its
// restore_command does so by a signal or above 125, which is what copying from a dead host comes to. To recruit it is to start it.
// After a power cut of everything servers are dead as well, and will be started by whoever does that at boot: one that its node has not
// seen run is waited for first.
func (s *scene) fallen(b int) bool {
	node, local, ok := s.agent(b)
	fell := ok && s.fresh(node) && local.Postmaster == report.Dead && local.Standby && !local.Stopped
	dead := s.held(fmt.Sprint("fallen ", b), fell)
	return fell && (local.Ran || dead >= s.Policy.StartGrace)
}

// mayHaveMore reports whether a standby that has fallen was last seen with more WAL than each one that is recruited has.
func (s *scene) mayHaveMore() bool {
	var fell, rest uint64
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		switch v := s.view(b.ID); {
		case b.ID == s.Map.PrimaryID() || b.Status == clustermap.Detached || b.Status == clustermap.Quarantined:
		case s.fallen(b.ID):
			fell = max(fell, v.Received)
		case v.Health == report.Well && v.Standby:
			rest = max(rest, v.Received)
		}
	}
	return fell > rest
}

// unheard reports whether some node may still tell this leader for the first time what it sees.
func (s *scene) unheard(patience time.Duration) bool {
	return s.Now-s.since < patience && slices.ContainsFunc(s.Map.Members, func(m clustermap.Member) bool {
		_, heard := s.Reports[m.ID]
		return !heard && !m.Left
	})
}

// unwatchedSync reports whether there is a synchronous standby that cannot be recruited.
func (s *scene) unwatchedSync() bool {
	sync := s.Map.Primary.Sync
	return sync != nil && slices.ContainsFunc(sync.Backends, func(b int) bool {
		_, _, ok := s.agent(b)
		return !ok && s.Map.Backend(b) != nil
	})
}

// chosen proposes a candidate.
func (s *scene) chosen(f *clustermap.Failover, c choice) *clustermap.Command {
	a := advance(f, clustermap.CatchUp)
	a.To, a.Lag, a.Evidence = &c.backend, &c.lag, s.evidence(f)
	if sync := s.Map.Primary.Sync; sync != nil && s.leftBy(sync, f.Epoch) {
		a.Evidence = append(a.Evidence, recruited)
	}
	return command(a)
}

// leftBy reports whether so many synchronous standbys have been recruited that the old primary, were it alive, could
// acknowledge no commit.
func (s *scene) leftBy(sync *clustermap.Sync, epoch uint64) bool {
	left := 0
	for _, b := range sync.Backends {
		if _, local, ok := s.agent(b); ok && local.Recruited >= epoch {
			left++
		}
	}
	return left > len(sync.Backends)+sync.Others-sync.Num
}

// stuck waits for a candidate. An old primary that can go on, or be started again, is better than none.
func (s *scene) stuck(f *clustermap.Failover, why string) *clustermap.Command {
	s.tell(f, f.State, "no candidate: "+why)
	waited := s.held("stuck", true)
	node, local, ok := s.agent(f.From)
	startable := ok && s.fresh(node) && local.Postmaster != report.Unknown
	if s.couldGoOn(f) || waited >= giveUpAfter && (startable || s.isPrimary(f.From) || f.Kind.Orderly()) {
		return s.fail(f, "no candidate: "+why)
	}
	return nil
}

// moving forgets that something waited.
func (s *scene) moving(what string) { s.held(what, false) }

// couldGoOn reports whether the old primary of a failover that found no candidate is seen to be well and was never
// stopped, so that to give up the failover is all it takes.
func (s *scene) couldGoOn(f *clustermap.Failover) bool {
	_, waiting := s.p.spans["stuck"]
	return waiting && f.Kind == clustermap.Failure && f.State.Before(clustermap.Promote) && !s.isFenced(f.From, f.Epoch) &&
		!slices.Contains(f.Evidence, fenced) && s.isPrimary(f.From)
}

// lacks says what the candidate of a switchover has not got of the WAL of the old primary, which has stopped in order
// and so has sent all of it.
func (s *scene) lacks(f *clustermap.Failover, c choice) string {
	_, old, _ := s.agent(f.From)
	if end := max(old.End, s.p.written); !f.AllowLoss && c.position < end {
		return fmt.Sprintf("backend %d lacks %d bytes of the old primary", c.backend, end-c.position)
	}
	return ""
}
