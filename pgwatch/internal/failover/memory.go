package failover

import (
	"maps"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// memory is what a Planner saw in earlier calls. All of it may be lost.
type memory struct {
	term    uint64
	last    time.Duration // when the call before this one was; 0: this is the first
	now     time.Duration // of this call
	slipped time.Duration // when this node was last found to have been held up
	epoch   uint64        // as the Map said in the last call
	opened  time.Duration // when the epoch was seen to change; 0: it was not
	written uint64        // the furthest that the primary of the epoch was seen to have written

	traces map[int]*trace
	said   map[string]string // notes, by their subject
	spans  map[string]span

	hooks    []pendingHook
	hopeless string                   // the failover_command that failed
	tried    map[string]time.Duration // hooks, when they were first ordered

	jobs   map[int]*job   // recoveries, by backend: the newest that this leader began
	trials map[int]*trial // of auto_recover, by backend
	count  int            // of these trials
}

// A trace is what was seen of one backend.
type trace struct {
	status   clustermap.Status
	name     string // of its receiver
	replayed uint64
	received uint64
	moved    time.Duration // when one of them was seen to change
	seen     time.Duration // when the newest view of them came
	streamed uint64        // the newest epoch in which it was seen to stream from the primary
	attached time.Duration // when it last came back; 0: it did not
}

func newMemory(term uint64) memory {
	return memory{term: term, traces: map[int]*trace{}, said: map[string]string{}, spans: map[string]span{}, tried: map[string]time.Duration{},
		jobs: map[int]*job{}, trials: map[int]*trial{}}
}

// remember compares what is seen with what was.
func (p *Planner) remember(s *scene) {
	p.last, p.now = p.now, s.Now
	if p.last != 0 && s.Now-p.last > slip {
		p.slipped = s.Now
	}
	s.since = max(s.Elected, p.slipped)
	if s.Map.Epoch != p.epoch {
		if p.last != 0 && p.epoch != 0 {
			p.opened = s.Now
		}
		p.epoch, p.written = s.Map.Epoch, 0
	}
	for _, n := range s.nodes {
		for _, v := range s.Reports[n].Report.Backends {
			if v.ID == s.Map.PrimaryID() && !v.Standby {
				p.written = max(p.written, v.LSN)
			}
		}
	}
	for i := range s.Map.Backends {
		p.trace(s, &s.Map.Backends[i])
	}
	maps.DeleteFunc(p.traces, func(id int, _ *trace) bool { return s.Map.Backend(id) == nil })
	maps.DeleteFunc(p.jobs, func(id int, _ *job) bool { return s.Map.Backend(id) == nil })
	maps.DeleteFunc(p.trials, func(id int, _ *trial) bool { return s.Map.Backend(id) == nil })
}

func (p *Planner) trace(s *scene, b *clustermap.Backend) {
	t := p.traces[b.ID]
	if t == nil {
		t = &trace{status: b.Status}
		p.traces[b.ID] = t
	}
	if t.status != b.Status {
		s.statusChanged(b, t.status)
		if t.status = b.Status; t.status == clustermap.Attached {
			t.attached = s.Now
		}
	}
	v := s.view(b.ID)
	if v.Name != "" {
		t.name = v.Name
	}
	if v.Health != report.Well {
		return
	}
	if v.LSN != t.replayed || v.Received != t.received || t.moved == 0 {
		t.replayed, t.received, t.moved = v.LSN, v.Received, v.at
	}
	t.seen = v.at
	if s.Map.Primary != nil && b.ID != s.Map.PrimaryID() && s.follows(b.ID) {
		t.streamed = s.Map.Epoch
	}
}

// rests reports whether neither position of a standby has moved for a while, by views that came meanwhile.
func (t *trace) rests() bool { return t.seen-t.moved >= replayRest }

// A span is how long something has been so.
type span struct{ began, asked time.Duration }

// held returns for how long something has been so in every call.
func (s *scene) held(what string, is bool) time.Duration {
	if !is {
		delete(s.p.spans, what)
		return 0
	}
	h, ok := s.p.spans[what]
	if !ok || h.asked < s.p.last {
		h.began = s.Now
	}
	h.asked = s.Now
	s.p.spans[what] = h
	return s.Now - h.began
}
