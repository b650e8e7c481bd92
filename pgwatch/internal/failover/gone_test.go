package failover_test

import (
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// without takes synchronous standby 1 out of the configuration while its recovery runs. Nodes with an older file still tell of it.
func without(t *testing.T) *world {
	w := found(t)
	w.see(0, func(v *report.Backend) { v.SyncSet = "ANY 1 (s1, s2)" }, 0, 1, 2)
	w.run(time.Second)
	w.dies(1)
	w.run(time.Second)
	w.wish(1, "")
	w.run(200 * time.Millisecond)
	w.runs(1, running)
	w.run(200 * time.Millisecond)
	w.apply(clustermap.Command{Configure: &clustermap.Configure{Backends: []clustermap.Backend{{ID: 0, Host: "h0", Port: 5432}, {ID: 2, Host: "h2", Port: 5432}}}})
	return w
}

// Nobody waits for a backend that was taken out, and the primary is replaced without it.
func TestBackendThatGoes(t *testing.T) {
	w := without(t)
	w.run(time.Second)
	if r := w.recovery(1); !r.Done || r.Err != "node id 1 is not valid" {
		t.Errorf("its recovery is %+v", r)
	}
	w.dies(0)
	w.reaches(clustermap.Recruit)
	w.obey(report.DoRecruit, 2, w.in.Map.Failover.Epoch)
	w.until(15*time.Second, "a candidate", func() bool { return w.in.Map.Failover != nil && w.in.Map.Failover.To == 2 })
}

// What the primary acknowledged last may be on the standby that was just taken out: then nobody takes its place.
func TestSynchronousBackendThatGoesWithThePrimary(t *testing.T) {
	w := without(t)
	w.dies(0)
	w.run(10 * time.Second)
	if f := w.in.Map.Failover; f != nil || w.in.Map.PrimaryID() != 0 {
		t.Errorf("%+v", f)
	}
}
