package failover

import (
	"fmt"
	"strings"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
)

// stranded says what a recovery that runs has lost: the host of its backend, or that of the node which runs it. They are judged as
// for a failover, and for longer: what was copied so far is worth the patience.
func (s *scene) stranded(j *job, by clustermap.NodeID) string {
	l, lost := s.hostGone(j.wish.Backend)
	what := fmt.Sprintf("the host of backend %d is lost", j.wish.Backend)
	if !lost {
		l, lost = s.nodeGone(by)
		what = fmt.Sprintf("node %d, which ran it, is lost", by)
	}
	if s.held("stranded "+j.wish.ID, lost) < strandedFor {
		return ""
	}
	return what + ": " + l.reason
}

// hostGone judges the host of a backend by its node and by those who ask the server.
func (s *scene) hostGone(b int) (loss, bool) {
	node, _, ok := s.agent(b)
	if !ok || !s.silent(node) {
		return loss{}, false
	}
	return s.hostLost(b, node)
}

// nodeGone judges a node by the servers of its host. One without any is not known to be lost.
func (s *scene) nodeGone(n clustermap.NodeID) (loss, bool) {
	for i := range s.Map.Backends {
		b := s.Map.Backends[i].ID
		if node, _, ok := s.agent(b); ok && node == n {
			if l, lost := s.hostGone(b); lost {
				return l, true
			}
		}
	}
	return loss{}, false
}

// untold says why nobody will tell of a recovery that this leader has not heard of; "" when somebody may.
func (s *scene) untold() string {
	text, may := "no node that lives knows of it", len(s.Map.Members) == 0
	var lost []string
	for _, m := range s.Map.Members {
		if m.Left || s.fresh(m.ID) {
			continue
		}
		l, gone := s.nodeGone(m.ID)
		if s.held(fmt.Sprint("lost ", m.ID), gone) < strandedFor {
			may = true
			continue
		}
		lost = append(lost, l.reason)
	}
	switch {
	case may:
		return ""
	case len(lost) > 0:
		return text + ", and " + strings.Join(lost, ", and ")
	}
	return text
}
