package failover_test

import (
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// failedOver is a world in which backend 0 died and backend 1 has taken its place.
func failedOver(t *testing.T) *world {
	w := found(t)
	w.in.Policy.AutoRecover = true
	w.run(time.Second)
	w.dies(0)
	w.until(time.Second, "a failover", func() bool { return w.in.Map.Failover != nil })
	w.obey(report.DoFence, 0, 2)
	w.obey(report.DoRecruit, 1, 2)
	w.obey(report.DoRecruit, 2, 2)
	w.reaches(clustermap.Promote)
	w.obey(report.DoPromote, 1, 2)
	w.until(5*time.Second, "epoch 2", func() bool { return w.in.Map.Epoch == 2 })
	w.see(2, func(v *report.Backend) { v.Upstream, v.Timeline = "h1:5432", 2 }, 0, 1, 2)
	w.local(2, func(l *report.Local) { l.Follows = 2 })
	w.until(5*time.Second, "it is over", func() bool { return w.in.Map.Failover == nil })
	return w
}

func TestOldPrimaryIsRecovered(t *testing.T) {
	w := failedOver(t)
	w.until(10*time.Second, "an order", func() bool { return w.ordered(0, report.DoRecover).To == 1 })
	w.runs(0, worked)
	w.lives(0)
	w.see(0, func(v *report.Backend) { v.Upstream, v.Timeline = "h1:5432", 2 }, 0, 1, 2)
	w.local(0, func(l *report.Local) { l.Follows = 2 })
	w.run(time.Second)
	if b := w.in.Map.Backend(0); b.Status != clustermap.Attached || b.By == "" {
		t.Errorf("%+v", b)
	}
	w.local(0, func(l *report.Local) { l.Postmaster, l.Stopped = report.Dead, true })
	w.see(0, refused, 0, 1, 2)
	before := w.recovery(0).ID
	w.run(time.Minute)
	if got := w.recovery(0).ID; got != before || w.in.Map.Backend(0).Status != clustermap.Down {
		t.Errorf("a standby that somebody stopped is %s, and recovered by %s after %s", w.in.Map.Backend(0).Status, got, before)
	}
}

// Nobody is recovered who is not to be: while decisions are paused, when an operator detached it, without its node.
func TestAutoRecoverKeepsOff(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"paused": func(w *world) { yes := true; w.apply(clustermap.Command{Pause: &yes}) },
		"detached": func(w *world) {
			w.apply(clustermap.Command{Backend: &clustermap.SetBackend{ID: 0, Status: clustermap.Detached}})
		},
		"away": func(w *world) { w.mute[0] = true },
		"off":  func(w *world) { w.in.Policy.AutoRecover = false },
		"another": func(w *world) {
			w.lives(0)
			w.see(0, func(v *report.Backend) { v.SystemID, v.Upstream = "8", "" }, 0, 1, 2)
		},
	} {
		w := failedOver(t)
		prepare(w)
		w.run(time.Minute)
		if r := w.recovery(0); r.ID != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// After each failure it waits longer.
func TestAutoRecoverBacksOff(t *testing.T) {
	w := failedOver(t)
	var at []time.Duration
	for len(at) < 4 {
		w.until(3*time.Minute, "an order", func() bool { return w.ordered(0, report.DoRecover).ID != "" })
		at = append(at, w.in.Now)
		a := w.in.Reports[0]
		a.Report.Recoveries = nil
		w.in.Reports[0] = a
		w.runs(0, hasFailed)
		w.run(200 * time.Millisecond)
	}
	for i, least := range []time.Duration{10, 20, 40} {
		if got := at[i+1] - at[i]; got < least*time.Second || got > (least+10)*time.Second {
			t.Errorf("try %d came %v after the one before", i+2, got)
		}
	}
}

// A standby that lives and cannot follow is recovered; one that was stopped is not.
func TestStrayStandby(t *testing.T) {
	w := found(t)
	w.in.Policy.AutoRecover = true
	w.run(time.Second)
	w.dies(1)
	w.see(2, func(v *report.Backend) { v.Upstream = "" }, 0, 1, 2)
	w.until(time.Minute, "an order", func() bool { return w.ordered(2, report.DoRecover).ID != "" })
	if r := w.recovery(1); r.ID != "" || w.in.Map.Backend(2).Status != clustermap.Down {
		t.Errorf("%+v, and the stray is %+v", r, w.in.Map.Backend(2))
	}
}
