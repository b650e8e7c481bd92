package failover_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

func received(lsn uint64) func(*report.Backend) {
	return func(v *report.Backend) { v.Received, v.LSN = lsn, lsn }
}

// Who takes the place of a primary that crashed, or why nobody does.
func TestChoice(t *testing.T) {
	all := []clustermap.NodeID{0, 1, 2}
	sync := func(num int, backends ...int) func(w *world) {
		return func(w *world) {
			names := []string{"", "s1", "s2"}
			set := "ANY " + string(rune('0'+num)) + " ("
			for _, b := range backends {
				set += names[b] + ","
			}
			w.see(0, func(v *report.Backend) { v.SyncSet = strings.TrimSuffix(set, ",") + ")" }, all...)
		}
	}
	for name, c := range map[string]struct {
		before, after func(w *world)
		want          int
		why           string
	}{
		"equals: the lowest number": {nil, nil, 1, ""},
		"most WAL":                  {nil, func(w *world) { w.see(2, received(1001), all...) }, 2, ""},
		"newer timeline before more WAL": {nil, func(w *world) {
			w.see(1, received(5000), all...)
			w.see(2, func(v *report.Backend) { v.Timeline = 2 }, all...)
		}, 2, ""},
		"older timeline": {func(w *world) {
			w.in.Map.Primary.Timeline = 3
			w.see(1, func(v *report.Backend) { v.Timeline, v.Upstream = 2, "" }, all...)
			w.see(2, func(v *report.Backend) { v.Timeline = 3 }, all...)
		}, nil, 2, ""},
		"other cluster": {func(w *world) { w.see(1, func(v *report.Backend) { v.SystemID = "8" }, all...) }, nil, 2, ""},
		"detached": {func(w *world) {
			w.apply(clustermap.Command{Backend: &clustermap.SetBackend{ID: 1, Status: clustermap.Detached}})
		}, nil, 2, ""},
		"down, but it streams, and the other one is gone": {func(w *world) {
			w.apply(clustermap.Command{Backend: &clustermap.SetBackend{ID: 1, Status: clustermap.Down}})
			w.see(2, refused, all...)
		}, nil, 1, ""},
		"too far behind": {func(w *world) { w.see(0, func(v *report.Backend) { v.LSN = 20 << 20 }, all...) },
			func(w *world) { w.see(2, received(20<<20-100), all...) }, 2, ""},
		"synchronous before more WAL": {sync(1, 1), func(w *world) { w.see(2, received(1500), all...) }, 1, ""},
		"the synchronous one is gone": {sync(1, 1), func(w *world) { w.see(1, refused, all...) }, clustermap.None, "0 of them are, 1 are needed"},
		"any of two, both are there":  {sync(1, 1, 2), func(w *world) { w.see(2, received(1500), all...) }, 2, ""},
		"any of two, one is gone":     {sync(1, 1, 2), func(w *world) { w.see(1, silent, all...) }, clustermap.None, "1 of them are, 2 are needed"},
		"two of two, one is gone":     {sync(2, 1, 2), func(w *world) { w.see(1, silent, all...) }, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := found(t)
			if c.before != nil {
				c.before(w)
			}
			w.run(500 * time.Millisecond)
			if c.after != nil {
				c.after(w)
			}
			w.dies(0)
			w.step(20 * time.Millisecond)
			if w.in.Map.Failover == nil {
				if last := w.notes[len(w.notes)-1]; c.want != clustermap.None || !strings.Contains(last.Reason, c.why) {
					t.Errorf("no failover; the last note is %+v", last)
				}
				return
			}
			w.obey(report.DoFence, 0, 2)
			w.obey(report.DoRecruit, 1, 2)
			w.obey(report.DoRecruit, 2, 2)
			w.local(1, func(l *report.Local) { l.Timeline = w.in.Reports[2].Report.Backends[1].Timeline })
			w.reaches(clustermap.CatchUp)
			if got := w.in.Map.Failover.To; got != c.want {
				t.Errorf("backend %d was chosen, not %d", got, c.want)
			}
		})
	}
}

// A named candidate may not drop what a synchronous standby confirmed, unless the operator says so.
func TestNamedCandidate(t *testing.T) {
	for _, allowLoss := range []bool{false, true} {
		w := found(t)
		w.see(0, func(v *report.Backend) { v.SyncSet = "ANY 1 (s1, s2)" }, 0, 1, 2)
		w.see(2, received(2000), 0, 1, 2)
		w.run(500 * time.Millisecond)
		w.apply(clustermap.Command{Begin: &clustermap.Failover{Kind: clustermap.Operator, From: 0, To: 1, AllowLoss: allowLoss}})
		w.obey(report.DoFence, 0, 2)
		w.obey(report.DoRecruit, 1, 2)
		w.obey(report.DoRecruit, 2, 2)
		if allowLoss {
			w.reaches(clustermap.Promote)
			continue
		}
		if w.reaches(clustermap.Failed); !strings.Contains(w.in.Map.Last.Err, "backend 1 lacks what synchronous standby 2 has") {
			t.Errorf("%+v", w.in.Map.Last)
		}
	}
}

// What a standby had when its receiver ended counts, not what an older probe saw.
func TestPositionIsOfTheRecruitedStandby(t *testing.T) {
	w := found(t)
	w.run(time.Second)
	w.dies(0)
	w.step(20 * time.Millisecond)
	w.obey(report.DoFence, 0, 2)
	w.obey(report.DoRecruit, 1, 2)
	w.obey(report.DoRecruit, 2, 2)
	w.local(2, func(l *report.Local) { l.End = 1200 })
	w.reaches(clustermap.CatchUp)
	if got := w.in.Map.Failover.To; got != 2 {
		t.Errorf("backend %d was chosen", got)
	}
}

// Where no node can end the receivers, synchronous standbys may confirm commits to the old primary as long as routers
// write to it: what they have is compared when the leases are over.
func TestUnwatchedSynchronousStandbys(t *testing.T) {
	w := found(t)
	for n, a := range w.in.Reports {
		a.Report.Local = nil
		w.in.Reports[n] = a
		w.apply(clustermap.Command{Member: &clustermap.Member{ID: n, Host: "elsewhere"}})
	}
	w.see(0, func(v *report.Backend) { v.SyncSet = "ANY 1 (s1, s2)" }, 0, 1, 2)
	w.run(time.Second)
	w.see(0, silent, 0, 1, 2)
	w.until(10*time.Second, "a failover", func() bool { return w.in.Map.Failover != nil })
	w.in.OldLeasesEnd = w.in.Now + 4*time.Second
	w.run(2 * time.Second)
	w.see(2, received(1100), 0, 1, 2)
	w.run(1500 * time.Millisecond)
	if w.state() != clustermap.Recruit {
		t.Fatalf("at %s before the leases are over", w.state())
	}
	w.reaches(clustermap.CatchUp)
	if got := w.in.Map.Failover.To; got != 2 {
		t.Errorf("backend %d was chosen", got)
	}
}
