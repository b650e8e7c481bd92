package failover_test

import (
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func (w *world) detachPrimary() {
	w.apply(clustermap.Command{By: "ann", Begin: &clustermap.Failover{Kind: clustermap.Detach, From: 0, To: clustermap.None, Reason: "maintenance"}})
}

// promoted lets backend 1 become the primary of epoch 2, and backend 2 follow it.
func (w *world) promoted() {
	w.t.Helper()
	w.obey(report.DoRecruit, 1, 2)
	w.obey(report.DoRecruit, 2, 2)
	w.reaches(clustermap.Promote)
	w.obey(report.DoPromote, 1, 2)
	w.until(15*time.Second, "epoch 2", func() bool { return w.in.Map.Epoch == 2 })
	w.see(2, func(v *report.Backend) { v.Upstream, v.Timeline = "h1:5432", 2 }, 0, 1, 2)
}

// The primary that is detached is stopped in order, so that nothing is lost, and then left alone.
func TestDetachPrimary(t *testing.T) {
	w := wanted(t)
	w.in.Policy.AutoFailback, w.in.Policy.AutoRecover, w.in.Policy.DetachFalse = true, true, true
	w.in.OldLeasesEnd = w.in.Now + time.Hour
	w.detachPrimary()
	w.until(5*time.Second, "it is to stop", func() bool { return w.ordered(0, report.DoStop).Epoch == 2 })
	w.obey(report.DoStop, 0, 2)
	w.promoted()
	w.until(5*time.Second, "it is over", func() bool { return w.in.Map.Failover == nil })
	w.run(time.Minute)
	if b := w.in.Map.Backend(0); b.Status != clustermap.Detached || b.By != "ann" || b.Reason != "maintenance" {
		t.Errorf("%+v", b)
	}
	if len(w.plan.Orders[0]) != 0 {
		t.Errorf("it is not left alone: %+v", w.plan.Orders[0])
	}
	w.local(0, func(l *report.Local) { l.Postmaster = report.Runs })
	w.see(0, func(v *report.Backend) { v.Health = report.Well }, 0, 1, 2) // somebody started it, as the primary it was
	w.run(time.Minute)
	if b := w.in.Map.Backend(0); b.Status != clustermap.Detached || len(w.plan.Orders[0]) != 0 {
		t.Errorf("%+v with %+v", b, w.plan.Orders[0])
	}
}

// Where nobody can stop the primary, routers leave it when their leases are over.
func TestDetachPrimaryWithoutANode(t *testing.T) {
	w := wanted(t)
	a := w.in.Reports[0]
	a.Report.Local = nil
	w.in.Reports[0] = a
	w.in.OldLeasesEnd = w.in.Now + 10*time.Second
	began := w.in.Now
	w.detachPrimary()
	w.promoted()
	if w.in.Now-began < 10*time.Second {
		t.Errorf("epoch 2 opened after %v, while routers might write", w.in.Now-began)
	}
	if b := w.in.Map.Backend(0); b.Status != clustermap.Detached {
		t.Errorf("%+v", b)
	}
}

// Without a standby that could take its place the primary stays, also when it was stopped already.
func TestDetachPrimaryIsGivenUp(t *testing.T) {
	w := wanted(t)
	w.detachPrimary()
	w.until(5*time.Second, "it is to stop", func() bool { return w.ordered(0, report.DoStop).Epoch == 2 })
	w.obey(report.DoStop, 0, 2)
	w.cutOff(1)
	w.cutOff(2)
	w.in.Self = 0
	w.reaches(clustermap.Failed)
	w.run(time.Second)
	if w.ordered(0, report.DoStart).Epoch == 0 || w.in.Map.Backend(0).Status != clustermap.Attached {
		t.Errorf("%+v, %+v", w.plan.Orders, w.in.Map.Backend(0))
	}
}

// Pgpool-II runs its commands as after a loss: failover_command, then follow_primary_command for the old primary, too.
func TestDetachPrimaryRunsHooks(t *testing.T) {
	w := wanted(t)
	w.in.Policy.FailoverHook, w.in.Policy.FollowHook = true, true
	w.detachPrimary()
	w.until(5*time.Second, "it is to stop", func() bool { return w.ordered(0, report.DoStop).Epoch == 2 })
	w.obey(report.DoStop, 0, 2)
	w.obey(report.DoRecruit, 1, 2)
	w.obey(report.DoRecruit, 2, 2)
	ran := []string{}
	for w.in.Map.Last == nil || w.in.Map.Failover != nil {
		w.step(100 * time.Millisecond)
		o := w.ordered(2, report.DoHook)
		if o.ID == "" {
			continue
		}
		ran = append(ran, o.Hook+" "+o.Vars["d"]+" "+o.Vars["m"]+" "+o.Vars["M"]+" "+o.Vars["P"])
		a := w.in.Reports[2]
		a.Report.Hooks = append(a.Report.Hooks, report.HookDone{ID: o.ID})
		w.in.Reports[2] = a
		if o.Hook == "failover_command" {
			w.obey(report.DoPromote, 1, 2)
		}
	}
	want := []string{"failover_command 0 1 0 0", "follow_primary_command 0 1 0 0", "follow_primary_command 2 1 0 0"}
	if len(ran) != 3 || ran[0] != want[0] || ran[1] != want[1] || ran[2] != want[2] {
		t.Errorf("ran %q, wanted %q", ran, want)
	}
}
