package failover_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func TestFirstPrimary(t *testing.T) {
	all := []clustermap.NodeID{0, 1, 2}
	primary := func(v *report.Backend) { v.Standby = false }
	for name, c := range map[string]struct {
		do   func(w *world)
		want int
		note string
	}{
		"one":             {func(w *world) {}, 0, ""},
		"others are dead": {func(w *world) { w.see(1, refused, all...); w.see(2, silent, all...) }, 0, ""},
		"one was never looked at": {func(w *world) {
			w.see(1, func(v *report.Backend) { v.Health = report.Unseen }, all...)
		}, 0, ""},
		"none":        {func(w *world) { w.see(0, refused, all...) }, clustermap.None, "no backend is a primary"},
		"two":         {func(w *world) { w.see(1, primary, all...) }, clustermap.None, "backend 0 (system 7, timeline 1), backend 1 (system 7, timeline 1)"},
		"one denies":  {func(w *world) { w.see(1, func(v *report.Backend) { v.Health = report.Denied }, all...) }, clustermap.None, "backend 1 is denied"},
		"one starts":  {func(w *world) { w.see(2, func(v *report.Backend) { v.Health = report.Starting }, all...) }, clustermap.None, "backend 2 is starting"},
		"a foreigner": {func(w *world) { w.see(1, func(v *report.Backend) { v.SystemID = "8" }, all...) }, clustermap.None, "backend 1 (system 8) is no standby of backend 0 (system 7)"},
		"it is said which": {func(w *world) {
			w.see(1, primary, all...)
			w.in.Policy.Backends[1] = failover.Rules{AlwaysPrimary: true}
		}, 1, ""},
		"decisions are paused": {func(w *world) { w.apply(clustermap.Command{Pause: new(true)}) }, clustermap.None, ""},
		"no quorum":            {func(w *world) { w.in.Quorum = event.QuorumNone }, clustermap.None, ""},
	} {
		w := newWorld(t)
		c.do(w)
		w.run(8 * time.Second)
		said := slices.ContainsFunc(w.notes, func(n failover.Note) bool { return strings.Contains(n.Reason, c.note) })
		if got := w.in.Map.PrimaryID(); got != c.want || c.note != "" && !said {
			t.Errorf("%s: backend %d, wanted %d; notes %+v", name, got, c.want, w.notes)
		}
		if w.plan.Serve != (c.want != clustermap.None) {
			t.Errorf("%s: leases are granted: %v", name, w.plan.Serve)
		}
	}
}

// A second primary is shut out, and stopped when detach_false_primary says so. What follows the primary again comes
// back when auto_failback says so.
func TestFalsePrimary(t *testing.T) {
	for _, detach := range []bool{false, true} {
		w := found(t)
		w.in.Policy.DetachFalse, w.in.Policy.AutoFailback = detach, true
		w.run(time.Second)
		w.see(1, func(v *report.Backend) { v.Standby, v.Upstream = false, "" }, 0, 1, 2)
		w.run(500 * time.Millisecond)
		if w.in.Map.Backend(1).Status != clustermap.Attached {
			t.Fatal("one glance was enough")
		}
		w.run(time.Second)
		if o := w.ordered(1, report.DoFence); w.in.Map.Backend(1).Status != clustermap.Quarantined || (o.Epoch == 1) != detach || !w.plan.Serve {
			t.Errorf("detach %v: %s, orders %+v, leases %v", detach, w.in.Map.Encode(), w.plan.Orders, w.plan.Serve)
		}
		w.see(1, func(v *report.Backend) { v.Standby, v.Upstream = true, "h0:5432" }, 0, 1, 2)
		w.run(time.Second)
		if w.in.Map.Backend(1).Status != clustermap.Attached {
			t.Error("it follows again and stays quarantined")
		}
	}
}

func TestForeignStandby(t *testing.T) {
	w := found(t)
	w.see(2, func(v *report.Backend) { v.SystemID = "8" }, 0, 1, 2)
	w.run(2 * time.Second)
	if w.in.Map.Backend(2).Status != clustermap.Quarantined {
		t.Errorf("%s", w.in.Map.Encode())
	}
}
