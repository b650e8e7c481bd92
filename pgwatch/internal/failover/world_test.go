package failover_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/failover"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

// A world is three hosts, each with a node and a backend of the same number; node 2 leads, backend 0 is the primary,
// and all is well until a test changes what the nodes report.
type world struct {
	t        *testing.T
	p        failover.Planner
	in       failover.Input
	mute     map[clustermap.NodeID]bool
	commands []clustermap.Command
	notes    []failover.Note
	plan     failover.Plan // the newest
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, mute: map[clustermap.NodeID]bool{}}
	w.in = failover.Input{Now: time.Hour, Self: 2, Term: 1, Elected: time.Hour - time.Minute, Reports: map[clustermap.NodeID]failover.Arrival{},
		Quorum: event.QuorumFull, Policy: failover.Default()}
	var backends []clustermap.Backend
	for i := range 3 {
		id := clustermap.NodeID(i)
		w.apply(clustermap.Command{Member: &clustermap.Member{ID: id, Host: fmt.Sprint("h", i)}})
		backends = append(backends, clustermap.Backend{ID: i, Host: fmt.Sprint("h", i), Port: 5432})
		w.in.Policy.Backends[i] = failover.Rules{Retries: 3, Upper: 8 * time.Second, Data: fmt.Sprint("/data", i)}
		r := report.Report{Node: id, Local: []report.Local{{ID: i, Postmaster: report.Runs}}}
		for b := range 3 {
			v := report.Backend{ID: b, Health: report.Well, SystemID: "7", Timeline: 1, LSN: 1000}
			if b > 0 {
				v.Standby, v.Received, v.Upstream, v.Name = true, 1000, "h0:5432", fmt.Sprint("s", b)
			}
			r.Backends = append(r.Backends, v)
		}
		w.in.Reports[id] = failover.Arrival{Report: r, At: w.in.Now}
	}
	w.apply(clustermap.Command{Configure: &clustermap.Configure{Cluster: "c", Backends: backends}})
	return w
}

// found is a world whose primary is known.
func found(t *testing.T) *world {
	w := newWorld(t)
	w.apply(clustermap.Command{Found: &clustermap.Primary{Backend: 0, SystemID: "7", Timeline: 1}})
	return w
}

func (w *world) apply(c clustermap.Command) {
	w.t.Helper()
	m, err := w.in.Map.Apply(w.in.Map.Index+1, c)
	if err != nil {
		w.t.Fatalf("%s: %v", c.Encode(), err)
	}
	w.in.Map = m
}

// see changes how a backend looks to some nodes.
func (w *world) see(b int, change func(*report.Backend), nodes ...clustermap.NodeID) {
	for _, n := range nodes {
		v := &w.in.Reports[n].Report.Backends[b]
		was := v.Health
		if change(v); v.Health != was {
			v.For, v.Fails = 0, 0
		}
	}
}

// local changes what a node says of its own backend.
func (w *world) local(n int, change func(*report.Local)) {
	change(&w.in.Reports[clustermap.NodeID(n)].Report.Local[0])
}

// dies lets a backend crash, with nothing left of it.
func (w *world) dies(b int) {
	w.local(b, func(l *report.Local) { l.Postmaster = report.Dead })
	w.see(b, func(v *report.Backend) { v.Health = report.Refused }, 0, 1, 2)
}

// cutOff lets a host be silent.
func (w *world) cutOff(host int) {
	w.mute[clustermap.NodeID(host)] = true
	w.see(host, silent, 0, 1, 2)
}

func silent(v *report.Backend)  { v.Health = report.Silent }
func refused(v *report.Backend) { v.Health = report.Refused }

// step lets time pass, has the nodes report, and makes one Plan of it. What is proposed is in the Map at once.
func (w *world) step(d time.Duration) {
	w.t.Helper()
	w.in.Now += d
	for n, a := range w.in.Reports {
		if w.mute[n] {
			continue
		}
		for i := range a.Report.Backends {
			v := &a.Report.Backends[i]
			if v.For += d; v.Health != report.Well {
				v.Fails++
			}
		}
		a.At = w.in.Now
		w.in.Reports[n] = a
	}
	w.plan = w.p.Plan(w.in)
	w.notes = append(w.notes, w.plan.Notes...)
	for _, c := range w.plan.Propose {
		w.apply(c)
		w.commands = append(w.commands, c)
	}
}

func (w *world) run(d time.Duration) {
	w.t.Helper()
	for end := w.in.Now + d; w.in.Now < end; {
		w.step(100 * time.Millisecond)
	}
}

// until runs until something is so, and fails when it is not within a time.
func (w *world) until(limit time.Duration, what string, is func() bool) {
	w.t.Helper()
	for end := w.in.Now + limit; !is(); {
		if w.in.Now >= end {
			w.t.Fatalf("after %v not yet: %s\n%s\nnotes %+v\norders %+v", limit, what, w.in.Map.Encode(), w.notes, w.plan.Orders)
		}
		w.step(20 * time.Millisecond)
	}
}

func (w *world) state() clustermap.State {
	if w.in.Map.Failover == nil {
		return ""
	}
	return w.in.Map.Failover.State
}

// reaches runs until the failover is at a state.
func (w *world) reaches(s clustermap.State) {
	w.t.Helper()
	w.until(15*time.Second, string(s), func() bool {
		return w.state() == s || w.in.Map.Failover == nil && w.in.Map.Last != nil && w.in.Map.Last.State == s
	})
}

// ordered returns the order that stands for a node, or a zero one.
func (w *world) ordered(n clustermap.NodeID, op report.Op) report.Order {
	for _, o := range w.plan.Orders[n] {
		if o.Op == op {
			return o
		}
	}
	return report.Order{}
}

// obey has a node's agent do what recruiting, promoting or fencing does.
func (w *world) obey(op report.Op, b int, epoch uint64) {
	w.local(b, func(l *report.Local) {
		switch op {
		case report.DoRecruit:
			l.Promised, l.Recruited, l.Timeline, l.End = epoch, epoch, 1, w.in.Reports[2].Report.Backends[b].Received
		case report.DoFence, report.DoStop:
			l.Promised, l.Fenced, l.Postmaster, l.Stopped, l.End = epoch, epoch, report.Dead, op == report.DoStop, 1000
		case report.DoPromote:
			l.Promoted = epoch
		}
	})
	switch op {
	case report.DoPromote:
		w.see(b, func(v *report.Backend) { v.Standby, v.Upstream, v.Timeline = false, "", v.Timeline+1 }, 0, 1, 2)
	case report.DoFence, report.DoStop:
		w.see(b, refused, 0, 1, 2)
	case report.DoRecruit:
		w.see(b, func(v *report.Backend) { v.Upstream = "" }, 0, 1, 2)
	}
}
