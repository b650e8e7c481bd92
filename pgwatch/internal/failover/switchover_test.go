package failover_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func wanted(t *testing.T) *world {
	w := found(t)
	w.run(time.Second)
	return w
}

func (w *world) switchTo(b int) {
	w.apply(clustermap.Command{Begin: &clustermap.Failover{Kind: clustermap.Switchover, From: 0, To: b}})
}

func TestSwitchover(t *testing.T) {
	w := wanted(t)
	w.in.OldLeasesEnd = w.in.Now + time.Hour
	w.switchTo(2)
	w.step(20 * time.Millisecond)
	if w.plan.Serve || w.ordered(0, report.DoStop).Epoch != 0 {
		t.Fatalf("leases %v, orders %+v: transactions should end first", w.plan.Serve, w.plan.Orders)
	}
	w.run(w.in.Policy.Drain)
	if w.ordered(0, report.DoStop).Epoch != 2 {
		t.Fatalf("transactions have had their time: %+v", w.plan.Orders)
	}
	w.obey(report.DoStop, 0, 2)
	w.reaches(clustermap.Recruit)
	w.obey(report.DoRecruit, 1, 2)
	w.obey(report.DoRecruit, 2, 2)
	w.reaches(clustermap.Promote)
	if w.in.Map.Failover.To != 2 {
		t.Fatalf("backend %d is promoted", w.in.Map.Failover.To)
	}
	w.obey(report.DoPromote, 2, 2)
	w.until(time.Second, "epoch 2", func() bool { return w.in.Map.Epoch == 2 })
	w.step(20 * time.Millisecond)
	for n := range clustermap.NodeID(2) {
		if o := w.ordered(n, report.DoFollow); o.To != 2 || o.Epoch != 2 || o.Backend != int(n) {
			t.Errorf("node %d: %+v", n, w.plan.Orders[n])
		}
	}
	if w.in.Map.Backend(0).Status != clustermap.Attached {
		t.Errorf("the old primary is %s", w.in.Map.Backend(0).Status)
	}
}

// A switchover that cannot be is given up, and the old primary goes on.
func TestSwitchoverGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		before, after func(w *world)
		why           string
		start         bool
	}{
		"the target lags":          {func(w *world) { w.see(0, func(v *report.Backend) { v.LSN = 100 << 20 }, 0, 1, 2) }, nil, "lacks", false},
		"the target is dead":       {func(w *world) { w.see(2, refused, 0, 1, 2) }, nil, "backend 2 is refused", false},
		"the target streams not":   {func(w *world) { w.see(2, func(v *report.Backend) { v.Upstream = "" }, 0, 1, 2) }, nil, "does not stream", false},
		"nobody can stop it":       {func(w *world) { w.mute[0] = true; w.run(2 * time.Second) }, nil, "no node on the host of backend 0", false},
		"the old one does not end": {nil, func(w *world) {}, "did not stop within 10s", false},
		"the target has not got all": {nil, func(w *world) {
			w.obey(report.DoStop, 0, 2)
			w.local(0, func(l *report.Local) { l.End = 1100 })
			w.obey(report.DoRecruit, 1, 2)
			w.obey(report.DoRecruit, 2, 2)
		}, "backend 2 lacks 100 bytes", true},
		"the target dies": {nil, func(w *world) {
			w.obey(report.DoStop, 0, 2)
			w.dies(2)
		}, "backend 2 is refused", true},
	} {
		w := wanted(t)
		if c.before != nil {
			c.before(w)
		}
		w.switchTo(2)
		if c.after != nil {
			w.step(20 * time.Millisecond)
			c.after(w)
		}
		w.until(20*time.Second, "given up", func() bool { return w.in.Map.Failover == nil })
		w.step(20 * time.Millisecond)
		if l := w.in.Map.Last; l.State != clustermap.Failed || !strings.Contains(l.Err, c.why) || !w.plan.Serve {
			t.Errorf("%s: %+v, leases %v", name, l, w.plan.Serve)
		}
		if started := w.ordered(0, report.DoStart).Epoch == 2; started != c.start {
			t.Errorf("%s: to be started: %v", name, started)
		}
	}
}
