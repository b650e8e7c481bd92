package failover_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// failOver plays a failover from backend 0 to the end, with agents that do as they are told.
func (w *world) failOver() {
	w.t.Helper()
	w.until(5*time.Second, "a failover", func() bool { return w.in.Map.Failover != nil })
	epoch := w.in.Map.Failover.Epoch
	w.obey(report.DoFence, 0, epoch)
	w.obey(report.DoRecruit, 1, epoch)
	w.obey(report.DoRecruit, 2, epoch)
	w.reaches(clustermap.Promote)
	w.obey(report.DoPromote, w.in.Map.Failover.To, epoch)
	w.until(5*time.Second, "a new epoch", func() bool { return w.in.Map.Epoch == epoch })
	for b := 1; b < 3; b++ {
		if b != w.in.Map.PrimaryID() {
			w.local(b, func(l *report.Local) { l.Follows = epoch })
			w.see(b, func(v *report.Backend) { v.Upstream, v.Timeline = "h1:5432", 2 }, 0, 1, 2)
		}
	}
	w.reaches(clustermap.Done)
}

// A crash, step by step: who is told to do what, and what each step waits for.
func TestFailoverStepByStep(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	if !w.plan.Serve {
		t.Fatal("no leases while all is well")
	}
	w.see(2, func(v *report.Backend) { v.Received, v.LSN = 2000, 1500 }, 0, 1, 2)
	w.see(0, func(v *report.Backend) { v.LSN = 3000 }, 0, 1, 2)
	w.step(20 * time.Millisecond)
	w.dies(0)
	w.in.OldLeasesEnd = w.in.Now + time.Hour
	w.reaches(clustermap.Recruit)
	w.step(20 * time.Millisecond)
	for n, op := range map[clustermap.NodeID]report.Op{0: report.DoFence, 1: report.DoRecruit, 2: report.DoRecruit} {
		if o := w.ordered(n, op); o.Epoch != 2 || o.Backend != int(n) {
			t.Errorf("node %d has to %s: %+v", n, op, w.plan.Orders[n])
		}
	}
	w.obey(report.DoRecruit, 1, 2)
	w.run(300 * time.Millisecond)
	if w.state() != clustermap.Recruit {
		t.Fatal("it did not wait for the second standby")
	}
	w.obey(report.DoRecruit, 2, 2)
	w.reaches(clustermap.CatchUp)
	if f := w.in.Map.Failover; f.To != 2 || f.Lag != 1000 || !slices.Contains(f.Evidence, "dead") {
		t.Errorf("chosen: %+v", f)
	}
	w.step(20 * time.Millisecond)
	if w.state() != clustermap.CatchUp {
		t.Fatal("it did not wait for the replay")
	}
	w.see(2, func(v *report.Backend) { v.LSN = 2000 }, 0, 1, 2)
	w.reaches(clustermap.Promote)
	w.step(20 * time.Millisecond)
	if o := w.ordered(2, report.DoPromote); o.Epoch != 2 || o.Backend != 2 {
		t.Errorf("it has to promote: %+v", w.plan.Orders)
	}
	w.obey(report.DoPromote, 2, 2)
	w.reaches(clustermap.Open)
	w.run(3 * time.Second)
	if w.in.Map.Epoch != 1 {
		t.Fatal("it opened while routers might write to a dead server that anything may start again")
	}
	w.obey(report.DoFence, 0, 2)
	w.until(time.Second, "epoch 2", func() bool { return w.in.Map.Epoch == 2 })
	w.step(20 * time.Millisecond)
	if p := w.in.Map.Primary; p.Backend != 2 || p.Timeline != 2 || p.LSN != 2000 || p.SystemID != "7" || !w.plan.Serve {
		t.Errorf("primary %+v, leases %v", p, w.plan.Serve)
	}
	if o := w.ordered(1, report.DoFollow); o.Epoch != 2 || o.To != 2 {
		t.Errorf("backend 1 has to follow: %+v", w.plan.Orders[1])
	}
	w.see(1, func(v *report.Backend) { v.Upstream, v.Timeline = "h2:5432", 2 }, 0, 1, 2)
	w.reaches(clustermap.Done)
	if w.in.Map.Backend(0).Status != clustermap.Down {
		t.Errorf("the old primary is %s", w.in.Map.Backend(0).Status)
	}
}

// An old primary that nobody can reach loses its routers' leases; promotion does not wait for that, opening does.
func TestLeasesEndBeforeItOpens(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	w.in.OldLeasesEnd = w.in.Now + 10*time.Second
	end := w.in.OldLeasesEnd
	w.cutOff(0)
	w.until(4*time.Second, "a failover", func() bool { return w.in.Map.Failover != nil })
	w.obey(report.DoRecruit, 1, 2)
	w.obey(report.DoRecruit, 2, 2)
	w.reaches(clustermap.Promote)
	w.obey(report.DoPromote, 1, 2)
	w.reaches(clustermap.Open)
	w.until(20*time.Second, "epoch 2", func() bool { return w.in.Map.Epoch == 2 })
	if w.in.Now < end || w.in.Now > end+time.Second {
		t.Errorf("it opened %v after the leases", w.in.Now-end)
	}
	w.see(2, func(v *report.Backend) { v.Upstream, v.Timeline = "h1:5432", 2 }, 0, 1, 2)
	w.reaches(clustermap.Done)
	if e := w.in.Map.Last.Evidence; !slices.Equal(e, []string{"leases"}) {
		t.Errorf("evidence %v", e)
	}
}

// With another leader after each step, the failover ends all the same.
func TestNewLeaderGoesOn(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	w.dies(0)
	for w.in.Map.Epoch < 2 {
		w.in.Term++
		w.p = failover.Planner{}
		before := w.in.Map.Index
		w.until(5*time.Second, "the next step", func() bool {
			if o := w.ordered(0, report.DoFence); o.Epoch == 2 {
				w.obey(report.DoFence, 0, 2)
			}
			for n := 1; n < 3; n++ {
				if o := w.ordered(clustermap.NodeID(n), report.DoRecruit); o.Epoch == 2 {
					w.obey(report.DoRecruit, n, 2)
				}
				if o := w.ordered(clustermap.NodeID(n), report.DoPromote); o.Epoch == 2 && w.in.Reports[2].Report.Backends[n].Standby {
					w.obey(report.DoPromote, n, 2)
				}
			}
			return w.in.Map.Index > before
		})
	}
}

// A candidate that is lost before it was told to become the primary is replaced; afterwards only when it is fenced.
func TestLostCandidate(t *testing.T) {
	begin := func(t *testing.T, s clustermap.State) *world {
		w := found(t)
		w.run(time.Second)
		w.dies(0)
		w.see(1, func(v *report.Backend) { v.LSN = 500 }, 0, 1, 2)
		w.until(time.Second, "a failover", func() bool { return w.in.Map.Failover != nil })
		w.obey(report.DoFence, 0, 2)
		w.obey(report.DoRecruit, 1, 2)
		w.obey(report.DoRecruit, 2, 2)
		w.reaches(s)
		if w.in.Map.Failover.To != 1 {
			t.Fatalf("the candidate is %d", w.in.Map.Failover.To)
		}
		w.dies(1)
		return w
	}
	w := begin(t, clustermap.CatchUp)
	w.until(3*time.Second, "backend 2", func() bool { return w.in.Map.Failover.To == 2 })

	w = begin(t, clustermap.Promote)
	w.run(5 * time.Second)
	if o := w.ordered(1, report.DoFence); w.state() != clustermap.Promote || o.Backend != 1 || o.Epoch != 2 || w.ordered(1, report.DoPromote).Epoch != 0 {
		t.Fatalf("at %s it orders %+v", w.state(), w.plan.Orders)
	}
	w.obey(report.DoFence, 1, 2)
	w.until(10*time.Second, "a new attempt, as the old primary does not start", func() bool { return w.in.Map.Promised == 3 })
}

// Without a candidate, giving up a primary that is well again, or can be started again, is best.
func TestNoCandidate(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	w.cutOff(0)
	w.until(4*time.Second, "a failover", func() bool { return w.in.Map.Failover != nil })
	w.see(1, silent, 0, 1, 2)
	w.see(2, silent, 0, 1, 2)
	w.run(10 * time.Second)
	if w.state() != clustermap.Recruit || w.plan.Serve {
		t.Fatalf("at %s, leases %v", w.state(), w.plan.Serve)
	}
	delete(w.mute, 0)
	w.see(0, func(v *report.Backend) { v.Health = report.Well }, 0, 1, 2)
	w.step(100 * time.Millisecond)
	if o := w.ordered(0, report.DoFence); o.Epoch != 0 {
		t.Error("the only server that is well is to be stopped")
	}
	w.reaches(clustermap.Failed)
	if w.step(100 * time.Millisecond); !w.plan.Serve || w.in.Map.Epoch != 1 {
		t.Error("its leases do not go on")
	}

	w = found(t)
	w.run(time.Second)
	w.dies(0)
	w.until(time.Second, "a failover", func() bool { return w.in.Map.Failover != nil })
	w.obey(report.DoFence, 0, 2)
	w.see(1, silent, 0, 1, 2)
	w.see(2, silent, 0, 1, 2)
	w.reaches(clustermap.Failed)
	w.step(100 * time.Millisecond)
	if o := w.ordered(0, report.DoStart); o.Epoch != 2 || o.Backend != 0 {
		t.Errorf("what was stopped for nothing stays so: %+v", w.plan.Orders)
	}
}

// A standby that was away during a failover, or was recruited for one that was given up, is made to follow the primary.
func TestStandbyIsNotLeftAlone(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	w.see(2, func(v *report.Backend) { v.Upstream = "" }, 0, 1, 2)
	if w.run(10 * time.Second); w.ordered(2, report.DoFollow).Epoch != 0 {
		t.Errorf("a standby that nobody touched: %+v", w.plan.Orders)
	}
	w.obey(report.DoRecruit, 2, 2)
	if w.run(200 * time.Millisecond); w.ordered(2, report.DoFollow).Epoch != 1 {
		t.Errorf("a standby that was recruited for nothing: %+v", w.plan.Orders)
	}

	w = found(t)
	w.run(time.Second)
	w.dies(0)
	w.failOver()
	w.see(2, func(v *report.Backend) { v.Upstream, v.Timeline = "h0:5432", 1 }, 0, 1, 2)
	w.local(2, func(l *report.Local) { l.Recruited, l.Follows = 0, 0 })
	if w.run(5 * time.Second); w.ordered(2, report.DoFollow).To != 1 {
		t.Errorf("a standby of the old primary: %+v", w.plan.Orders)
	}
}

// falls lets a standby end as its restore_command may make it: dead, and not shut down.
func (w *world) falls(b int) {
	w.dies(b)
	w.local(b, func(l *report.Local) { l.Standby, l.Ran = true, true })
}

// rises is what recruiting makes of one that fell.
func (w *world) rises(b int) {
	w.local(b, func(l *report.Local) { l.Postmaster, l.Standby = report.Runs, false })
	w.see(b, func(v *report.Backend) { v.Health = report.Well }, 0, 1, 2)
	w.obey(report.DoRecruit, b, w.in.Map.Failover.Epoch)
}

// A standby that fell with the primary is the only candidate: it is started and promoted.
func TestFallenStandbyIsStarted(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	w.falls(2)
	w.local(2, func(l *report.Local) { l.Stopped = true }) // somebody shut it down
	w.falls(1)
	w.dies(0)
	w.reaches(clustermap.Recruit)
	w.run(3 * time.Second)
	if o := w.ordered(1, report.DoRecruit); o.Epoch != 2 || w.state() != clustermap.Recruit {
		t.Fatalf("%s, orders %+v", w.state(), w.plan.Orders)
	}
	w.rises(1)
	w.reaches(clustermap.CatchUp)
	// It falls once more, and is started once more.
	w.falls(1)
	w.step(20 * time.Millisecond)
	if o := w.ordered(1, report.DoRecruit); o.Epoch != 2 {
		t.Fatalf("orders %+v", w.plan.Orders)
	}
	w.rises(1)
	w.reaches(clustermap.Promote)
	if w.in.Map.Failover.To != 1 {
		t.Errorf("%+v", w.in.Map.Failover)
	}
}

// When all hosts boot, their servers are dead as after a crash. They are about to be started, and a failover would throw away what the
// standby has not got; only when the primary does not come it begins.
func TestBootIsNoFall(t *testing.T) {
	w := found(t)
	for b := range 3 {
		w.falls(b)
		w.local(b, func(l *report.Local) { l.Ran, l.Standby = false, b > 0 })
	}
	w.run(w.in.Policy.StartGrace - time.Second)
	if f := w.in.Map.Failover; f != nil {
		t.Fatalf("%+v", f)
	}
	w.until(5*time.Second, "a failover", func() bool { return w.in.Map.Failover != nil })
}

// One that was shut down in order was meant to be down: nothing begins for it.
func TestStoppedStandbyIsLeftAlone(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	for b := 1; b < 3; b++ {
		w.falls(b)
		w.local(b, func(l *report.Local) { l.Stopped = true })
	}
	w.dies(0)
	w.run(5 * time.Second)
	if f := w.in.Map.Failover; f != nil {
		t.Errorf("%+v", f)
	}
}

// A fallen standby is waited for when it may have more than the others, and otherwise only as long as any.
func TestFallenStandbyMayHaveMore(t *testing.T) {
	for received, want := range map[uint64]int{5000: 1, 500: 2} {
		w := found(t)
		w.run(time.Second)
		w.see(1, func(v *report.Backend) { v.Received = received }, 0, 1, 2)
		w.step(20 * time.Millisecond)
		w.falls(1)
		w.dies(0)
		w.reaches(clustermap.Recruit)
		w.obey(report.DoRecruit, 2, 2)
		w.run(2 * time.Second)
		if w.state() == clustermap.Recruit {
			w.rises(1)
		}
		w.reaches(clustermap.Promote)
		if w.in.Map.Failover.To != want {
			t.Errorf("with %d bytes: %+v", received, w.in.Map.Failover)
		}
	}
}
