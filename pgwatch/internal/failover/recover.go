package failover

import (
	"fmt"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A Wish is a recovery that is wanted: a backend is to be made a standby of the primary.
type Wish struct {
	ID      string // no other one has it
	Backend int
	Method  string // of pgrecover run; "" is auto
	By      string
}

// A job is a recovery that this leader began. Nothing of it is in the Map: the node that runs it tells of it, so that another
// leader leaves the backend alone and attaches it in the end.
type job struct {
	wish    Wish
	node    clustermap.NodeID // that is to run it; None before it is chosen
	since   uint64            // index of the Map that it was ordered on
	ordered time.Duration
	how     *report.Recovery // how it ended, when its node did not tell
}

// script is the method by which recovery_1st_stage_command makes the standby.
const script = "script"

// told returns what the newest report says of a recovery, and who said it.
func (s *scene) told(id string) (r report.Recovery, by clustermap.NodeID, ok bool) {
	for _, n := range s.nodes {
		for _, t := range s.Reports[n].Report.Recoveries {
			if t.ID == id && (!ok || s.Reports[n].At > s.Reports[by].At) {
				r, by, ok = t, n, true
			}
		}
	}
	return r, by, ok
}

// recoveries gives the orders of all recoveries and says how each stands.
func (s *scene) recoveries() {
	for _, w := range s.Wishes {
		if s.Map.Backend(w.Backend) == nil { // it was taken out of the configuration since
			s.plan.Recoveries = append(s.plan.Recoveries, s.unbegun(&job{wish: w}, fmt.Sprintf("node id %d is not valid", w.Backend)))
			continue
		}
		if j := s.p.jobs[w.Backend]; j == nil && !s.isRecovered(w.Backend) || j != nil && j.wish.ID != w.ID && s.over(j) {
			s.p.jobs[w.Backend] = &job{wish: w, node: clustermap.None, ordered: s.Now}
		}
	}
	s.ownWishes()
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		if j := s.p.jobs[b.ID]; j != nil {
			s.pursue(b, j)
		}
		if r, ok := s.recovery(b.ID); ok {
			s.plan.Recoveries = append(s.plan.Recoveries, r)
		}
	}
}

// recovery is the newest that is known of a backend: this leader's, else the one that a node tells of.
func (s *scene) recovery(b int) (newest report.Recovery, ok bool) {
	if j := s.p.jobs[b]; j != nil {
		if j.how != nil {
			return *j.how, true
		}
		r, _, begun := s.told(j.wish.ID)
		if !begun {
			r = s.unbegun(j, "")
		}
		return r, true
	}
	for _, n := range s.nodes {
		for _, r := range s.Reports[n].Report.Recoveries {
			if r.Backend == b && (!ok || r.Since > newest.Since || r.Since == newest.Since && newest.Done && !r.Done) {
				newest, ok = r, true
			}
		}
	}
	return newest, ok
}

// unbegun is how a recovery looks that no node tells of: it waits, or will not be.
func (s *scene) unbegun(j *job, err string) report.Recovery {
	return report.Recovery{ID: j.wish.ID, Backend: j.wish.Backend, To: s.Map.PrimaryID(), Epoch: s.Map.Promised, Since: j.since, By: j.wish.By, Method: j.wish.Method,
		Step: "wait", Done: err != "", Refused: err != "", Err: err}
}

// over reports whether nothing is left to be done for a job. One that worked ends when its backend is attached.
func (s *scene) over(j *job) bool {
	if j.how != nil {
		return true
	}
	r, _, ok := s.told(j.wish.ID)
	b := s.Map.Backend(j.wish.Backend)
	return ok && r.Done && (r.Err != "" || b == nil || b.Since > r.Since)
}

// isRecovered reports whether a backend is being made a standby: then nobody else touches it.
func (s *scene) isRecovered(b int) bool {
	if j := s.p.jobs[b]; j != nil {
		return !s.over(j)
	}
	r, ok := s.recovery(b)
	if !ok || r.Done {
		return false
	}
	_, by, _ := s.told(r.ID)
	return s.fresh(by)
}

// end says how a job ended that its node does not tell of.
func (s *scene) end(j *job, format string, args ...any) {
	r := s.unbegun(j, fmt.Sprintf(format, args...))
	if t, _, ok := s.told(j.wish.ID); ok {
		r = t
		r.Done, r.Err = true, fmt.Sprintf(format, args...)
	}
	j.how = &r
	s.log(fmt.Sprint("recovery ", j.wish.ID), j.wish.Backend, fmt.Sprintf("the recovery of backend %d: %s", j.wish.Backend, r.Err))
}

// pursue orders a job, or sees that it cannot be.
func (s *scene) pursue(b *clustermap.Backend, j *job) {
	r, by, begun := s.told(j.wish.ID)
	if s.over(j) {
		if begun && !r.Done { // it was given up, and others may be told to do it again
			s.order(by, report.Order{Op: report.DoRecover, Backend: b.ID, Epoch: r.Epoch, ID: j.wish.ID, End: true})
		}
		return
	}
	waits := s.Now - j.ordered
	switch {
	case begun && !r.Done:
		if what := s.stranded(j, by); what != "" {
			s.end(j, "%s; ask again when it is back", what)
		} else if unheard := s.Now - max(s.Reports[by].At, s.since); unheard >= jobSilence {
			s.end(j, "node %d, which ran it, is silent", by)
		}
		if s.Map.Failover != nil || s.over(j) {
			return
		}
	case begun:
		s.unattached(b, j, r)
		return
	case s.Quorum == event.QuorumNone || s.Map.Primary == nil:
		s.end(j, "there is no primary that it could follow")
		return
	case b.ID == s.Map.PrimaryID():
		s.end(j, "primary server cannot be recovered by online recovery.")
		return
	case b.Status == clustermap.Attached && s.follows(b.ID):
		s.end(j, "node recovery failed, node id: %d is alive", b.ID)
		return
	case s.Map.Failover != nil && s.Map.Failover.State.Before(clustermap.Reconverge):
		s.end(j, "a failover is under way: try again when it has ended")
		return
	case s.Map.Failover != nil || len(s.p.hooks) > 0 || b.Status == clustermap.Attached:
		j.ordered = s.Now // a follow_primary_command may be at work on it, or routers use it still
		return
	case waits >= jobSilence:
		s.end(j, "node %d did not begin it", j.node)
		return
	}
	if j.node == clustermap.None {
		j.node, j.since = s.recoverer(b.ID), s.Map.Index
	}
	s.order(j.node, report.Order{Op: report.DoRecover, Backend: b.ID, Epoch: s.Map.Promised, To: s.Map.PrimaryID(), ID: j.wish.ID, Method: s.method(j), Since: j.since, By: j.wish.By})
}

// unattached notices that a backend whose recovery is done is not seen to follow the primary.
func (s *scene) unattached(b *clustermap.Backend, j *job, r report.Recovery) {
	if s.held("unattached "+r.ID, true) >= jobSilence {
		s.end(j, "it is done, but backend %d is not seen to stream from backend %d: sr_check_user needs pg_monitor there", b.ID, r.To)
	}
}

// method is how a job is done. Where there is a script for it, that is the way unless another one was asked for.
func (s *scene) method(j *job) string {
	if m := j.wish.Method; m != "" && m != "auto" {
		return m
	}
	if s.Policy.RecoverScript {
		return script
	}
	return "auto"
}

// recoverer is the node that runs a recovery: the one on the server's host, else one that reaches the host by SSH. A script
// runs on the primary's host, wherever it is called from.
func (s *scene) recoverer(b int) clustermap.NodeID {
	if node, _, ok := s.agent(b); ok && s.fresh(node) && s.method(s.p.jobs[b]) != script {
		return node
	}
	return s.runner()
}

// recover proposes what the Map needs for recoveries: a backend that is to be recovered is Down, so that nobody uses it, and one
// that was recovered is attached. What was decided about it meanwhile stands.
func (s *scene) recover() *clustermap.Command {
	for i := range s.Map.Backends {
		b := &s.Map.Backends[i]
		if j := s.p.jobs[b.ID]; j != nil && !s.over(j) && b.Status == clustermap.Attached && b.ID != s.Map.PrimaryID() {
			if _, _, begun := s.told(j.wish.ID); !begun {
				return s.setBackend(b.ID, clustermap.Down, j.wish.By, "it is to be recovered")
			}
		}
		r, ok := s.recovery(b.ID)
		if ok && r.Done && r.Err == "" && r.Since >= b.Since && r.To == s.Map.PrimaryID() && b.Status != clustermap.Attached && s.follows(b.ID) {
			return s.setBackend(b.ID, clustermap.Attached, r.By, fmt.Sprintf("it was recovered and follows backend %d", r.To))
		}
	}
	return nil
}

func (s *scene) setBackend(id int, status clustermap.Status, by, reason string) *clustermap.Command {
	return &clustermap.Command{By: by, Backend: &clustermap.SetBackend{ID: id, Status: status, Reason: reason}}
}

// A Standby is how a backend stands to the primary, as operators need to know before they attach or recover it.
type Standby struct {
	report.Backend
	Follows bool
	Foreign bool // it is of another cluster
}

// standing judges all backends for those who ask.
func (s *scene) standing() {
	if s.Map.Primary == nil {
		return
	}
	s.plan.Standbys = map[int]Standby{}
	for i := range s.Map.Backends {
		if id := s.Map.Backends[i].ID; id != s.Map.PrimaryID() {
			v := s.view(id).Backend
			v.Syncs = slices.Clone(v.Syncs)
			s.plan.Standbys[id] = Standby{v, s.follows(id), foreign(v.SystemID, s.Map.Primary.SystemID)}
		}
	}
}
