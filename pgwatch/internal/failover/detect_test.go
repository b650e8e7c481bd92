package failover_test

import (
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// What is a lost primary and what is not, and when it is known.
func TestDetection(t *testing.T) {
	const never = time.Duration(-1)
	unwatched := func(w *world) {
		for n := range w.in.Reports {
			a := w.in.Reports[n]
			a.Report.Local = nil
			w.in.Reports[n] = a
			w.apply(clustermap.Command{Member: &clustermap.Member{ID: n, Host: "elsewhere"}})
		}
	}
	for name, c := range map[string]struct {
		do          func(w *world)
		notBefore   time.Duration
		notAfter    time.Duration // never: 90 s bring none
		switchesOff bool
	}{
		"all is well":      {func(w *world) {}, 0, never, false},
		"crash":            {func(w *world) { w.dies(0) }, 0, 0, false},
		"orphans are left": {func(w *world) { w.local(0, func(l *report.Local) { l.Postmaster = report.Orphans }) }, 0, 0, false},
		"crash while paused": {func(w *world) {
			w.apply(clustermap.Command{Pause: new(true)})
			w.dies(0)
		}, 0, never, false},
		"crash without a quorum": {func(w *world) { w.in.Quorum = event.QuorumNone; w.dies(0) }, 0, never, false},
		"crash of a server that must stay": {func(w *world) {
			w.in.Policy.Backends[0] = failover.Rules{NoFailover: true}
			w.dies(0)
		}, 0, never, false},
		"crash of a server that is always the primary": {func(w *world) {
			w.in.Policy.Backends[0] = failover.Rules{AlwaysPrimary: true}
			w.dies(0)
		}, 0, never, false},
		"crash without a standby": {func(w *world) {
			w.see(1, refused, 0, 1, 2)
			w.see(2, refused, 0, 1, 2)
			w.dies(0)
		}, 0, never, false},
		"crash with standbys that lack too much": {func(w *world) {
			w.see(0, func(v *report.Backend) { v.LSN = 1000 + 17<<20 }, 0, 1, 2)
			w.dies(0)
		}, 0, never, false},
		"shut down in order": {func(w *world) {
			w.dies(0)
			w.local(0, func(l *report.Local) { l.Stopped = true })
		}, 7 * time.Second, 9 * time.Second, false},
		"shut down, which counts": {func(w *world) {
			w.in.Policy.ShutdownFails = true
			w.dies(0)
			w.local(0, func(l *report.Local) { l.Stopped = true })
		}, 0, 0, false},
		"hang":                            {func(w *world) { w.see(0, silent, 0, 1, 2) }, time.Second, 3 * time.Second, false},
		"only its own node has no answer": {func(w *world) { w.see(0, silent, 0) }, 0, never, false},
		"only the others have no answer":  {func(w *world) { w.see(0, silent, 1, 2) }, 0, never, false},
		"its node and one of two others":  {func(w *world) { w.see(0, silent, 0, 1) }, 0, never, false},
		"hang, and nobody else looks": {func(w *world) {
			w.see(0, silent, 0)
			w.see(0, func(v *report.Backend) { v.Health = report.Unseen }, 1, 2)
		}, 2 * time.Second, 5 * time.Second, false},
		"in recovery":          {func(w *world) { w.see(0, func(v *report.Backend) { v.Health = report.Starting }, 0, 1, 2) }, 50 * time.Second, 70 * time.Second, false},
		"too many connections": {func(w *world) { w.see(0, func(v *report.Backend) { v.Health = report.Full }, 0, 1, 2) }, 0, never, false},
		"lets nobody in":       {func(w *world) { w.see(0, func(v *report.Backend) { v.Health = report.Denied }, 0, 1, 2) }, 0, never, false},
		"host without power":   {func(w *world) { w.cutOff(0) }, 1200 * time.Millisecond, 1600 * time.Millisecond, false},
		"host unknown to a new leader": {func(w *world) {
			w.cutOff(0)
			delete(w.in.Reports, 0)
			w.in.Elected = w.in.Now
		}, 1200 * time.Millisecond, 1600 * time.Millisecond, false},
		"node dead, server well": {func(w *world) { w.mute[0] = true }, 0, never, false},
		"node dead, server restarts": {func(w *world) {
			w.mute[0] = true
			w.see(0, refused, 1, 2)
		}, 2 * time.Second, 3 * time.Second, false},
		"cut off from one of two": {func(w *world) {
			w.mute[0] = true
			w.see(0, silent, 1)
		}, 0, never, false},
		"unwatched host":                  {func(w *world) { unwatched(w); w.see(0, refused, 0, 1, 2) }, 1500 * time.Millisecond, 8 * time.Second, false},
		"unwatched host, one node of all": {func(w *world) { unwatched(w); w.see(0, refused, 1) }, 0, never, false},
		"unwatched host, any report will do": {func(w *world) {
			unwatched(w)
			w.in.Policy.AnyReport = true
			w.see(0, refused, 1)
		}, 1500 * time.Millisecond, 8 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := found(t)
			w.run(time.Second)
			w.commands = nil
			c.do(w)
			began := w.in.Now
			limit := c.notAfter
			if limit == never {
				limit = 90 * time.Second
			}
			for w.state() == "" && w.in.Now-began <= limit+50*time.Millisecond {
				w.step(50 * time.Millisecond)
			}
			took := w.in.Now - began
			switch {
			case c.notAfter == never && w.state() != "":
				t.Errorf("a failover began after %v: %s", took, w.in.Map.Failover.Reason)
			case c.notAfter != never && w.state() == "":
				t.Errorf("no failover within %v; notes %+v", took, w.notes)
			case c.notAfter != never && took < c.notBefore:
				t.Errorf("a failover began after %v already: %s", took, w.in.Map.Failover.Reason)
			case w.state() != "" && w.plan.Serve:
				t.Error("leases are granted while a failover begins")
			}
		})
	}
}

// A leader that was held up has heard nobody meanwhile; that says nothing of them.
func TestStarvedLeaderBlamesNobody(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	w.cutOff(0)
	w.run(1100 * time.Millisecond)
	w.step(time.Second)
	w.run(1100 * time.Millisecond)
	if w.state() != "" {
		t.Fatalf("it began: %s", w.in.Map.Failover.Reason)
	}
	w.reaches(clustermap.Fence)
}

// Shortly after a failover only what is certain begins another one.
func TestInterval(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(w *world)
		soon bool
	}{
		"crash":  {func(w *world) { w.dies(1) }, true},
		"silent": {func(w *world) { w.cutOff(1) }, false},
	} {
		w := found(t)
		w.run(time.Second)
		w.dies(0)
		w.failOver()
		epoch := w.in.Map.Epoch
		c.lose(w)
		w.run(5 * time.Second)
		if got := w.state() != ""; got != c.soon {
			t.Errorf("%s: another failover began: %v", name, got)
		}
		if w.run(time.Minute); w.in.Map.Promised == epoch {
			t.Errorf("%s: none began after the interval", name)
		}
	}
}

// Somebody promoted another server by hand and made the old primary follow it: the Map follows, too.
func TestPromotedByHand(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	w.see(0, func(v *report.Backend) { v.Standby, v.Upstream = true, "h1:5432" }, 0, 1, 2)
	w.see(1, func(v *report.Backend) { v.Standby, v.Upstream, v.Timeline = false, "", 2 }, 0, 1, 2)
	w.until(5*time.Second, "a failover", func() bool { return w.state() != "" })
	if f := w.in.Map.Failover; f.To != 1 || w.in.Map.Backend(1).Status != clustermap.Attached {
		t.Errorf("%s", w.in.Map.Encode())
	}
	w.obey(report.DoFence, 0, 2)
	w.obey(report.DoRecruit, 2, 2)
	w.until(10*time.Second, "epoch 2", func() bool { return w.in.Map.Epoch == 2 })
}
