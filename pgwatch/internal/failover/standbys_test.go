package failover_test

import (
	"maps"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func TestStandbyGoesAndComes(t *testing.T) {
	for name, c := range map[string]struct {
		policy func(*failover.Policy)
		down   clustermap.Status
		after  clustermap.Status
	}{
		"auto_failback":           {func(p *failover.Policy) { p.AutoFailback = true }, clustermap.Down, clustermap.Attached},
		"without":                 {func(p *failover.Policy) {}, clustermap.Down, clustermap.Down},
		"DISALLOW_TO_FAILOVER":    {func(p *failover.Policy) { p.Backends[1] = failover.Rules{NoFailover: true} }, clustermap.Attached, clustermap.Attached},
		"detached by an operator": {func(p *failover.Policy) { p.AutoFailback = true }, clustermap.Detached, clustermap.Detached},
	} {
		w := found(t)
		c.policy(w.in.Policy)
		w.run(time.Second)
		w.dies(1)
		if c.down == clustermap.Detached {
			w.apply(clustermap.Command{Backend: &clustermap.SetBackend{ID: 1, Status: clustermap.Detached}})
		}
		w.run(time.Second)
		if got := w.in.Map.Backend(1).Status; got != c.down {
			t.Errorf("%s: dead and %s", name, got)
		}
		w.local(1, func(l *report.Local) { l.Postmaster = report.Runs })
		w.see(1, func(v *report.Backend) { v.Health = report.Well }, 0, 1, 2)
		w.run(time.Second)
		if got := w.in.Map.Backend(1).Status; got != c.after || w.in.Map.Failover != nil {
			t.Errorf("%s: back and %s", name, got)
		}
	}
}

// A server that answers probes again is not attached as long as its own host has not looked again: it would be taken out at once.
func TestBackBeforeItsHostHasSeen(t *testing.T) {
	w := found(t)
	w.in.Policy.AutoFailback = true
	w.dies(1)
	w.run(time.Second)
	since := w.in.Map.Backend(1).Since
	w.see(1, func(v *report.Backend) { v.Health = report.Well }, 0, 1, 2)
	w.run(time.Second)
	if b := w.in.Map.Backend(1); b.Status != clustermap.Down || b.Since != since || w.plan.Standbys[1].Follows {
		t.Errorf("it is %s, since %d and not %d", b.Status, b.Since, since)
	}
	w.local(1, func(l *report.Local) { l.Postmaster = report.Runs })
	w.run(time.Second)
	if got := w.in.Map.Backend(1).Status; got != clustermap.Attached || !w.plan.Standbys[1].Follows {
		t.Errorf("then it is %s", got)
	}
}

// A standby that comes and goes is let back once in an interval.
func TestFailbackInterval(t *testing.T) {
	w := found(t)
	w.in.Policy.AutoFailback = true
	for range 2 {
		w.run(time.Second)
		w.dies(1)
		w.run(time.Second)
		w.local(1, func(l *report.Local) { l.Postmaster = report.Runs })
		w.see(1, func(v *report.Backend) { v.Health = report.Well }, 0, 1, 2)
	}
	w.run(30 * time.Second)
	if got := w.in.Map.Backend(1).Status; got != clustermap.Down {
		t.Errorf("soon again it is %s", got)
	}
	w.run(40 * time.Second)
	if got := w.in.Map.Backend(1).Status; got != clustermap.Attached {
		t.Errorf("after the interval it is %s", got)
	}
}

// Commands get what Pgpool-II gives them, as observed with 4.3.5.
func TestHooks(t *testing.T) {
	want := func(t *testing.T, got report.Order, name string, vars map[string]string) {
		t.Helper()
		if got.Hook != name || got.ID == "" {
			t.Fatalf("ordered %+v, wanted %s", got, name)
		}
		for k, v := range vars {
			if got.Vars[k] != v {
				t.Errorf("%s: %%%s is %q, wanted %q; all: %v", name, k, got.Vars[k], v, got.Vars)
			}
		}
	}
	ends := func(w *world, o report.Order, err string) {
		a := w.in.Reports[2]
		a.Report.Hooks = append(a.Report.Hooks, report.HookDone{ID: o.ID, Err: err})
		w.in.Reports[2] = a
	}
	hooked := func(t *testing.T) *world {
		w := found(t)
		p := w.in.Policy
		p.FailoverHook, p.FailbackHook, p.FollowHook, p.AutoFailback = true, true, true, true
		w.run(time.Second)
		return w
	}

	w := hooked(t)
	w.dies(1)
	w.run(200 * time.Millisecond)
	o := w.ordered(2, report.DoHook)
	want(t, o, "failover_command", map[string]string{"d": "1", "h": "h1", "p": "5432", "D": "/data1", "m": "0", "H": "h0", "r": "5432", "R": "/data0", "M": "0", "P": "0", "N": "h0", "S": "5432"})
	ends(w, o, "")
	w.step(20 * time.Millisecond)
	if o := w.ordered(2, report.DoHook); o.ID != "" {
		t.Errorf("again: %+v", o)
	}
	w.local(1, func(l *report.Local) { l.Postmaster = report.Runs })
	w.see(1, func(v *report.Backend) { v.Health = report.Well }, 0, 1, 2)
	w.run(200 * time.Millisecond)
	want(t, w.ordered(2, report.DoHook), "failback_command", map[string]string{"d": "1", "m": "0", "M": "0", "P": "0"})

	for name, err := range map[string]string{"it promotes": "", "it fails": "exit status 1", "it does nothing": ""} {
		w = hooked(t)
		w.dies(0)
		w.until(time.Second, "a failover", func() bool { return w.in.Map.Failover != nil })
		w.obey(report.DoFence, 0, 2)
		w.obey(report.DoRecruit, 1, 2)
		w.obey(report.DoRecruit, 2, 2)
		w.reaches(clustermap.Promote)
		w.step(20 * time.Millisecond)
		o = w.ordered(2, report.DoHook)
		want(t, o, "failover_command", map[string]string{"d": "0", "h": "h0", "D": "/data0", "m": "1", "H": "h1", "R": "/data1", "M": "0", "P": "0", "N": "h0"})
		if w.ordered(1, report.DoPromote).Epoch != 0 {
			t.Fatalf("%s: promoted besides", name)
		}
		ends(w, o, err)
		if name != "it promotes" {
			w.until(5*time.Second, "promoted by us", func() bool { return w.ordered(1, report.DoPromote).Epoch == 2 })
		}
		w.obey(report.DoPromote, 1, 2)
		w.local(1, func(l *report.Local) { l.Promoted = 0 })
		w.until(5*time.Second, "epoch 2", func() bool { return w.in.Map.Epoch == 2 })
		ran := map[string]bool{}
		for w.state() == clustermap.Reconverge {
			w.step(20 * time.Millisecond)
			if o := w.ordered(2, report.DoHook); o.ID != "" && !ran[o.Vars["d"]] {
				want(t, o, "follow_primary_command", map[string]string{"m": "1", "H": "h1", "M": "0", "P": "0"})
				ran[o.Vars["d"]] = true
				ends(w, o, "")
			}
		}
		if !maps.Equal(ran, map[string]bool{"0": true, "2": true}) {
			t.Errorf("%s: follow_primary_command ran for %v", name, ran)
		}
	}
}

// Another leader does not run again what has ended.
func TestHookRunsOnce(t *testing.T) {
	w := found(t)
	w.in.Policy.FailoverHook = true
	w.apply(clustermap.Command{Begin: &clustermap.Failover{Kind: clustermap.Failure, From: 0, To: clustermap.None}})
	w.dies(0)
	w.obey(report.DoFence, 0, 2)
	w.obey(report.DoRecruit, 1, 2)
	w.obey(report.DoRecruit, 2, 2)
	w.reaches(clustermap.Promote)
	w.step(20 * time.Millisecond)
	a := w.in.Reports[2]
	a.Report.Hooks = []report.HookDone{{ID: w.ordered(2, report.DoHook).ID}}
	w.in.Reports[2] = a
	w.run(time.Second)
	a.Report.Hooks = nil
	w.in.Reports[2] = a
	w.in.Term, w.in.Self, w.p = 2, 1, failover.Planner{}
	w.run(time.Second)
	if o := w.ordered(1, report.DoHook); o.ID != "" {
		t.Errorf("%+v", o)
	}
	w.run(3 * time.Second)
	if w.ordered(1, report.DoPromote).Epoch != 2 {
		t.Errorf("the command did nothing, and nobody promotes: %+v", w.plan.Orders)
	}
}

// The scripts are on the hosts of the servers: a witness that leads has another node run them.
func TestWitnessLeavesHooksToOthers(t *testing.T) {
	w := found(t)
	w.in.Policy.FailoverHook = true
	for id := range clustermap.NodeID(3) {
		w.apply(clustermap.Command{Member: &clustermap.Member{ID: id, Host: "h", Witness: id == w.in.Self}})
	}
	w.apply(clustermap.Command{Begin: &clustermap.Failover{Kind: clustermap.Failure, From: 0, To: clustermap.None}})
	w.cutOff(0)
	w.run(2 * time.Second)
	w.obey(report.DoRecruit, 1, 2)
	w.reaches(clustermap.Promote)
	w.step(20 * time.Millisecond)
	if o := w.ordered(1, report.DoHook); o.Hook != "failover_command" {
		t.Errorf("orders %+v", w.plan.Orders)
	}
	if o := w.ordered(w.in.Self, report.DoHook); o.ID != "" {
		t.Errorf("the witness runs %+v", o)
	}
}
