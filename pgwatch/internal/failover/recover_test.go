package failover_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// wish has an operator ask for a recovery.
func (w *world) wish(b int, method string) {
	w.in.Wishes = append(w.in.Wishes, failover.Wish{ID: "wish", Backend: b, Method: method, By: "ann"})
}

// runs has a node tell of a recovery that it was ordered to run.
func (w *world) runs(n clustermap.NodeID, change func(*report.Recovery)) {
	w.t.Helper()
	a := w.in.Reports[n]
	if len(a.Report.Recoveries) == 0 {
		o := w.ordered(n, report.DoRecover)
		if o.ID == "" {
			w.t.Fatalf("node %d has no order to recover: %+v", n, w.plan.Orders)
		}
		a.Report.Recoveries = []report.Recovery{{ID: o.ID, Backend: o.Backend, To: o.To, Epoch: o.Epoch, Since: o.Since, By: o.By, Method: o.Method}}
	}
	change(&a.Report.Recoveries[0])
	w.in.Reports[n] = a
}

func running(*report.Recovery)     {}
func worked(r *report.Recovery)    { r.Done = true }
func hasFailed(r *report.Recovery) { r.Done, r.Err = true, "the disk is full" }

// recovery is what the plan says of a backend.
func (w *world) recovery(b int) report.Recovery {
	for _, r := range w.plan.Recoveries {
		if r.Backend == b {
			return r
		}
	}
	return report.Recovery{}
}

// lives lets a standby stream again.
func (w *world) lives(b int) {
	w.local(b, func(l *report.Local) { l.Postmaster = report.Runs })
	w.see(b, func(v *report.Backend) { v.Health, v.Standby, v.Upstream = report.Well, true, "h0:5432" }, 0, 1, 2)
}

// broken is a world whose standby 1 has been lost.
func broken(t *testing.T) *world {
	w := found(t)
	w.run(time.Second)
	w.dies(1)
	w.run(time.Second)
	if got := w.in.Map.Backend(1).Status; got != clustermap.Down {
		t.Fatalf("it is %s", got)
	}
	return w
}

func TestRecovery(t *testing.T) {
	w := broken(t)
	w.wish(1, "")
	w.run(200 * time.Millisecond)
	if o := w.ordered(1, report.DoRecover); o.To != 0 || o.Method != "auto" || o.By != "ann" {
		t.Fatalf("ordered %+v", w.plan.Orders)
	}
	w.runs(1, running)
	w.lives(1) // pgrecover has started it, and looks still
	w.in.Policy.AutoFailback = true
	w.run(time.Second)
	if got := w.in.Map.Backend(1).Status; got != clustermap.Down {
		t.Errorf("while it is recovered it is %s", got)
	}
	w.runs(1, worked)
	w.run(200 * time.Millisecond)
	b := w.in.Map.Backend(1)
	if b.Status != clustermap.Attached || w.commands[len(w.commands)-1].By != "ann" {
		t.Errorf("it is %+v", b)
	}
	if r := w.recovery(1); !r.Done || r.Err != "" || r.Since >= b.Since {
		t.Errorf("%+v", r)
	}
	w.in.Wishes = nil
	w.apply(clustermap.Command{Backend: &clustermap.SetBackend{ID: 1, Status: clustermap.Detached}})
	w.run(5 * time.Second)
	if got := w.in.Map.Backend(1).Status; got != clustermap.Detached {
		t.Errorf("detached after its recovery it is %s", got)
	}
}

// A server that an operator detached is attached when an operator has it recovered, and one that is attached is not used
// meanwhile.
func TestRecoveryOfWhatIsNotDown(t *testing.T) {
	for _, status := range []clustermap.Status{clustermap.Detached, clustermap.Quarantined, clustermap.Attached} {
		w := found(t)
		w.run(time.Second)
		w.apply(clustermap.Command{Backend: &clustermap.SetBackend{ID: 1, Status: status}})
		w.see(1, func(v *report.Backend) { v.Upstream = "" }, 0, 1, 2)
		w.wish(1, "backup")
		w.run(300 * time.Millisecond)
		if got := w.in.Map.Backend(1).Status; got == clustermap.Attached {
			t.Errorf("%s: it is used", status)
		}
		if o := w.ordered(1, report.DoRecover); o.Method != "backup" {
			t.Errorf("%s: ordered %+v", status, w.plan.Orders)
		}
		w.runs(1, worked)
		w.lives(1)
		w.run(300 * time.Millisecond)
		if got := w.in.Map.Backend(1).Status; got != clustermap.Attached {
			t.Errorf("%s: afterwards it is %s", status, got)
		}
	}
}

func TestRecoveryIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		backend int
		prepare func(*world)
		want    string
	}{
		"the primary":              {0, func(*world) {}, "primary server cannot be recovered by online recovery."},
		"a standby that follows":   {1, func(*world) {}, "node recovery failed, node id: 1 is alive"},
		"while a failover is done": {1, func(w *world) { w.dies(1); w.dies(0); w.run(200 * time.Millisecond) }, "a failover is under way: try again when it has ended"},
		"not there any more":       {7, func(*world) {}, "node id 7 is not valid"},
		"nobody obeys":             {1, func(w *world) { w.dies(1) }, "node 1 did not begin it"},
	} {
		w := found(t)
		w.run(time.Second)
		c.prepare(w)
		w.wish(c.backend, "")
		w.run(11 * time.Second)
		if r := w.recovery(c.backend); !r.Done || !r.Refused || r.Err != c.want {
			t.Errorf("%s: %+v", name, r)
		}
		if c.backend == 0 && w.in.Map.Backend(0).Status != clustermap.Attached {
			t.Errorf("%s: it is %+v", name, w.in.Map.Backend(0))
		}
	}
}

// Where a recovery runs: beside the server, from afar when no pgwatch is there, and a script where the leader is.
func TestWhereARecoveryRuns(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*world)
		method  string
		node    clustermap.NodeID
		as      string
	}{
		"beside the server":          {func(*world) {}, "", 1, "auto"},
		"its pgwatch is gone":        {func(w *world) { w.mute[1] = true; w.run(2 * time.Second) }, "", 2, "auto"},
		"by script":                  {func(w *world) { w.in.Policy.RecoverScript = true }, "auto", 2, "script"},
		"by script, a witness leads": {func(w *world) { w.in.Policy.RecoverScript = true; w.apply(witness(2)) }, "", 0, "script"},
		"not by the script":          {func(w *world) { w.in.Policy.RecoverScript = true }, "rewind", 1, "rewind"},
	} {
		w := broken(t)
		c.prepare(w)
		w.wish(1, c.method)
		w.run(300 * time.Millisecond)
		if o := w.ordered(c.node, report.DoRecover); o.Method != c.as {
			t.Errorf("%s: ordered %+v", name, w.plan.Orders)
		}
	}
}

func witness(id clustermap.NodeID) clustermap.Command {
	return clustermap.Command{Member: &clustermap.Member{ID: id, Host: "h2", Witness: true}}
}

// Another leader leaves a server alone that is recovered, and attaches it in the end.
func TestAnotherLeaderGoesOn(t *testing.T) {
	w := broken(t)
	w.wish(1, "")
	w.run(200 * time.Millisecond)
	w.runs(1, running)
	w.in.Wishes, w.in.Term, w.in.Self, w.p = nil, 2, 0, failover.Planner{}
	w.in.Policy.AutoFailback = true
	w.lives(1)
	w.see(1, func(v *report.Backend) { v.Standby = false }, 0, 1, 2) // as in crash recovery before a rewind
	w.run(3 * time.Second)
	if got := w.in.Map.Backend(1).Status; got != clustermap.Down {
		t.Errorf("while it is recovered it is %s", got)
	}
	w.lives(1)
	w.runs(1, worked)
	w.run(time.Second)
	if got := w.in.Map.Backend(1).Status; got != clustermap.Attached {
		t.Errorf("afterwards it is %s", got)
	}
}

// A recovery waits for follow_primary_command, which may be at work on the same server, and for the end of a failover.
func TestRecoveryWaitsForFollowCommand(t *testing.T) {
	w := found(t)
	w.in.Policy.FollowHook = true
	w.run(time.Second)
	w.dies(0)
	w.until(time.Second, "a failover", func() bool { return w.in.Map.Failover != nil })
	w.obey(report.DoFence, 0, 2)
	w.obey(report.DoRecruit, 1, 2)
	w.obey(report.DoRecruit, 2, 2)
	w.until(5*time.Second, "it is to be promoted", func() bool { return w.ordered(1, report.DoPromote).Epoch == 2 })
	w.obey(report.DoPromote, 1, 2)
	w.reaches(clustermap.Reconverge)
	w.wish(0, "")
	w.run(20 * time.Second)
	if o := w.ordered(0, report.DoRecover); o.ID != "" {
		t.Fatalf("ordered %+v beside %+v", o, w.ordered(2, report.DoHook))
	}
	for w.in.Map.Failover != nil {
		a := w.in.Reports[2]
		a.Report.Hooks = append(a.Report.Hooks, report.HookDone{ID: w.ordered(2, report.DoHook).ID})
		w.in.Reports[2] = a
		w.see(2, func(v *report.Backend) { v.Upstream, v.Timeline = "h1:5432", 2 }, 0, 1, 2)
		w.run(time.Second)
	}
	w.run(200 * time.Millisecond)
	if o := w.ordered(0, report.DoRecover); o.To != 1 {
		t.Errorf("afterwards %+v", w.plan.Orders)
	}
}

// A node that is gone with its recovery does not keep others waiting, and what came of it is said.
func TestRecoveryEndsWithItsNode(t *testing.T) {
	w := broken(t)
	w.wish(1, "")
	w.run(200 * time.Millisecond)
	w.runs(1, running)
	w.mute[1] = true
	w.run(11 * time.Second)
	if r := w.recovery(1); !r.Done || !strings.Contains(r.Err, "silent") {
		t.Errorf("%+v", r)
	}
}

// A host that is lost is not waited for, whoever runs the recovery; one that comes back in time is. What was given up is ended.
func TestRecoveryEndsWithItsHost(t *testing.T) {
	for name, runner := range map[string]clustermap.NodeID{"on the host": 1, "by script from elsewhere": 2} {
		w := broken(t)
		if runner != 1 {
			w.wish(1, "script")
		} else {
			w.wish(1, "")
		}
		w.run(200 * time.Millisecond)
		w.runs(runner, running)
		w.cutOff(1)
		w.run(5 * time.Second)
		w.mute[1] = false
		w.see(1, refused, 0, 1, 2)
		w.run(5 * time.Second)
		if r := w.recovery(1); r.Done {
			t.Errorf("%s: after a cut of 5 s it is %+v", name, r)
		}
		w.cutOff(1)
		w.run(7 * time.Second)
		if r := w.recovery(1); !r.Done || !strings.HasPrefix(r.Err, "the host of backend 1 is lost: node 1 on its host is silent, and 2 of 2 others have no answer from it") {
			t.Errorf("%s: %+v", name, r)
		}
		w.in.Wishes = nil
		w.mute[1] = false
		w.run(time.Second)
		if o := w.ordered(runner, report.DoRecover); !o.End || o.ID != "wish" {
			t.Errorf("%s: it is not ended: %+v", name, w.plan.Orders)
		}
		w.runs(runner, hasFailed)
		w.run(time.Second)
		if o := w.ordered(runner, report.DoRecover); o.ID != "" {
			t.Errorf("%s: it has ended, and yet %+v", name, o)
		}
	}
}

// The node that runs a script is not on the server's host.
func TestRecoveryEndsWithItsRunner(t *testing.T) {
	w := broken(t)
	w.wish(1, "script")
	w.run(200 * time.Millisecond)
	a := w.in.Reports[0]
	a.Report.Recoveries = []report.Recovery{{ID: "wish", Backend: 1, To: 0}}
	w.in.Reports[0] = a
	w.in.Policy.Backends[0] = failover.Rules{NoFailover: true, Upper: 8 * time.Second}
	w.cutOff(0)
	w.run(7 * time.Second)
	if r := w.recovery(1); !r.Done || !strings.HasPrefix(r.Err, "node 0, which ran it, is lost: node 0 on its host is silent") {
		t.Errorf("%+v", r)
	}
}

// A new leader knows what runs from those who run it. When each of them is heard or lost, what nobody tells of is lost.
func TestNobodyTellsOfARecovery(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	if got := w.plan.Untold; got != "no node that lives knows of it" {
		t.Errorf("%q", got)
	}
	w.mute[1] = true
	w.run(20 * time.Second)
	if got := w.plan.Untold; got != "" {
		t.Errorf("its server answers: %q", got)
	}
	w.see(1, silent, 0, 2)
	w.run(5 * time.Second)
	if got := w.plan.Untold; got != "" {
		t.Errorf("it may come back: %q", got)
	}
	w.run(2 * time.Second)
	if got := w.plan.Untold; got != "no node that lives knows of it, and node 1 on its host is silent, and 2 of 2 others have no answer from it" {
		t.Errorf("%q", got)
	}
}

// What pgrecover said went well is not attached unless it is seen to follow.
func TestRecoveryIsSeenToWork(t *testing.T) {
	w := broken(t)
	w.wish(1, "")
	w.run(200 * time.Millisecond)
	w.runs(1, worked)
	w.run(11 * time.Second)
	if r := w.recovery(1); !strings.Contains(r.Err, "not seen to stream") || w.in.Map.Backend(1).Status != clustermap.Down {
		t.Errorf("%+v", r)
	}
}

// What another leader began comes first: nobody is recovered twice at a time.
func TestWishWaitsForWhatRuns(t *testing.T) {
	w := broken(t)
	w.wish(1, "")
	w.run(200 * time.Millisecond)
	w.runs(1, running)
	w.in.Term, w.in.Self, w.p = 2, 0, failover.Planner{}
	w.in.Wishes[0].ID = "another wish"
	w.run(20 * time.Second)
	if o := w.ordered(1, report.DoRecover); o.ID != "" {
		t.Errorf("ordered %+v", o)
	}
	w.runs(1, hasFailed)
	w.run(time.Second)
	if o := w.ordered(1, report.DoRecover); o.ID != "another wish" {
		t.Errorf("afterwards %+v", w.plan.Orders)
	}
}
