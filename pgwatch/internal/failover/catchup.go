package failover

import (
	"fmt"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// candidateLost is how long a candidate may look unfit before another one is chosen.
const candidateLost = time.Second

// catchUp waits until the candidate has replayed what it has. A candidate that is lost on the way is replaced.
func (s *scene) catchUp(f *clustermap.Failover) *clustermap.Command {
	s.recruitAll(f)
	c, why := s.choose(f.Epoch, wishOf(f))
	if unfit := s.held("unfit", why != ""); why != "" {
		if unfit < candidateLost {
			return nil
		}
		if f.Kind.Orderly() {
			return s.fail(f, why)
		}
		other, none := s.choose(f.Epoch, wish{clustermap.None, f.To, f.AllowLoss})
		if none != "" {
			return s.stuck(f, none)
		}
		return s.chosen(f, other)
	}
	s.moving("stuck")
	t := s.p.traces[f.To]
	if s.isPrimary(f.To) || t.replayed >= c.position || t.rests() && s.in(f) >= replayRest || s.in(f) >= replayCap {
		a := advance(f, clustermap.Promote)
		a.Lag, a.Evidence = &c.lag, s.evidence(f)
		return command(a)
	}
	s.tell(f, f.State, fmt.Sprintf("backend %d has WAL to replay", f.To))
	return nil
}
