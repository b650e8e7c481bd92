package failover_test

import (
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// elect makes another leader, to which only the nodes that are not muted have told what they see.
func (w *world) elect() {
	w.in.Term++
	w.in.Elected = w.in.Now
	for n := range w.mute {
		delete(w.in.Reports, n)
	}
}

// A new leader lets routers write when the primary has answered since its election, or the node beside it has: each
// lease of the old epoch that it gave would delay a failover by as much.
func TestNewLeaderLetsWriteWhenThePrimaryIsHeard(t *testing.T) {
	const away = 600 * time.Millisecond
	for name, c := range map[string]struct {
		mute  bool // the node beside the primary
		quiet time.Duration
		see   func(*report.Backend)
		want  bool
	}{
		"all is well":                             {false, 0, nil, true},
		"its node tells, others have no answer":   {false, away, nil, true},
		"its node is gone, the server answers":    {true, 0, nil, true},
		"its host is gone, which nobody saw yet":  {true, away, nil, false},
		"its host is gone, which others see":      {true, away, silent, false},
		"its node is gone, and it refuses others": {true, 0, refused, false},
		"its node is gone, it is full":            {true, 0, func(v *report.Backend) { v.Health = report.Full }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := found(t)
			w.run(time.Second)
			if !w.plan.Serve {
				t.Fatal("routers may not write while all is well")
			}
			w.mute[0] = c.mute
			w.see(0, func(v *report.Backend) {
				v.Quiet = c.quiet
				if c.see != nil {
					c.see(v)
				}
			}, 1, 2)
			if c.mute {
				w.elect()
			}
			w.step(100 * time.Millisecond)
			if w.plan.Serve != c.want {
				t.Errorf("routers may write: %t", w.plan.Serve)
			}
			w.in.Quorum = event.QuorumNone
			if w.step(time.Millisecond); w.plan.Serve {
				t.Error("routers may write without a quorum")
			}
		})
	}
}
