package health

import (
	"reflect"
	"sync"
	"time"

	"github.com/pgcrew/pgcrew/common/probe"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// view is what is known of a server. It has no I/O.
type view struct {
	now  func() time.Duration
	tell func()

	mu      sync.Mutex
	seen    report.Backend // For is kept in since
	since   time.Duration
	asked   time.Duration // when the question was put that is open
	heard   time.Duration // when the newest answer came
	missing bool          // its answer has counted as missing
	id      probe.Identity
	checks  Checks
}

func (v *view) report() report.Backend {
	v.mu.Lock()
	defer v.mu.Unlock()
	b := v.seen
	now := v.now()
	b.For, b.Quiet = now-v.since, now-v.heard
	return b
}

// begin records that the server is asked something.
func (v *view) begin() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked, v.missing = v.now(), false
}

// unanswered records that the answer should have come.
func (v *view) unanswered() {
	v.change(func() {
		v.missing = true
		v.seen.Fails++
		v.become(report.Silent)
		v.seen.Err = "no answer in time"
	})
}

// stirred records a sign of life of a server that is not well yet.
func (v *view) stirred() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen.Fails, v.heard = 0, v.now()
	if !v.seen.Health.Lives() {
		v.since = v.now()
	}
}

// verdict records what the answer, or its failure to come, says.
func (v *view) verdict(is probe.Verdict, h report.Health, err error) {
	v.change(func() {
		if err != nil {
			v.seen.Err = err.Error()
		} else if h == report.Well {
			v.seen.Err = ""
		}
		switch {
		case is == probe.Ours:
			return
		case h.Lives():
			v.seen.Fails, v.heard = 0, v.now()
		case !v.missing || h != report.Silent:
			v.seen.Fails++
		}
		v.become(h)
	})
}

// become changes the health. The time of it counts from the question, as the server may have been so when it was put;
// Refused and Silent are counted as one, as a dying host shows now one and now the other.
func (v *view) become(h report.Health) {
	was := v.seen.Health
	mute := func(h report.Health) bool { return h == report.Refused || h == report.Silent }
	if h != was && !(mute(h) && mute(was)) {
		v.since = v.asked
	}
	v.seen.Health = h
}

// facts records what the server said of itself. A sample without an identity is of the session of before.
func (v *view) facts(s *probe.Sample) {
	v.change(func() {
		timeline := s.Timeline
		if s.Identity == (probe.Identity{}) || s.Identity == v.id {
			// A standby whose receiver has ended tells a timeline that may be too low.
			timeline = max(timeline, v.seen.Timeline)
		}
		if s.Identity != (probe.Identity{}) {
			v.id = s.Identity
		}
		b := &v.seen
		b.Standby, b.SystemID, b.Timeline = s.Standby, v.id.System, timeline
		b.LSN, b.Received, b.Upstream = s.LSN, s.Received, s.Upstream
		b.Lag, b.Paused, b.SyncSet, b.Syncs = s.Lag, s.Paused, s.SyncNames, nil
		for _, r := range s.Replicas {
			b.Syncs = append(b.Syncs, report.Sync{Name: r.Name, Addr: r.Addr, State: r.State, Sync: r.Sync, Flush: r.Flush})
		}
	})
}

// change applies a change, and tells of it unless only times and positions are new.
func (v *view) change(f func()) {
	v.mu.Lock()
	before := outline(v.seen)
	f()
	changed := !reflect.DeepEqual(before, outline(v.seen))
	v.mu.Unlock()
	if changed {
		v.tell()
	}
}

// outline is a view without what changes all the time.
func outline(b report.Backend) report.Backend {
	b.Fails, b.LSN, b.Received, b.Lag = 0, 0, 0, 0
	syncs := b.Syncs
	b.Syncs = nil
	for _, s := range syncs {
		s.Flush = 0
		b.Syncs = append(b.Syncs, s)
	}
	return b
}
