package node

import (
	"context"
	"slices"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgwatch/internal/authority"
	"github.com/pgcrew/pgcrew/pgwatch/internal/clustermap"
	"github.com/pgcrew/pgcrew/pgwatch/internal/report"
)

const (
	tickEvery = 250 * time.Millisecond
	leaseTime = 2 * time.Second
)

// A publisher turns what this node knows into events.
type publisher struct {
	*Settings
	tell   func(event.Payload, event.At)
	lead   func(leading bool)          // this node begins or ceases to hold the address
	opine  func(authority.View, sight) // tells the other nodes what this one sees
	before authority.View
	known  map[int]event.Backend
	nodes  map[clustermap.NodeID]event.Node
	runs   map[int]report.Recovery // by backend
	holds  bool
}

// run publishes every change of the view and of what is seen, and a tick at least each quarter of a second.
func (p *publisher) run(ctx context.Context, views <-chan authority.View, seen func() sight, now func() time.Duration) {
	p.known, p.nodes, p.runs = map[int]event.Backend{}, map[clustermap.NodeID]event.Node{}, map[int]report.Recovery{}
	p.before.Leader = clustermap.None
	every := time.NewTicker(tickEvery)
	defer every.Stop()
	v := authority.View{Leader: clustermap.None}
	for {
		due := false
		select {
		case <-ctx.Done():
			return
		case v = <-views:
		case <-every.C:
			due = true
		}
		s := seen()
		p.opine(v, s)
		p.changes(&v)
		p.members(&v, &s)
		p.backends(&v, &s)
		p.recoveries(&v)
		// A lease that was merely renewed can wait for the next tick; one that came or went cannot.
		if due || p.leases(&v) != p.leases(&p.before) {
			p.tick(&v, now())
		}
		p.before = v
	}
}

// leases is what a tick says, but for how long.
func (p *publisher) leases(v *authority.View) [5]any {
	return [5]any{v.Leader, v.Quorum, v.VIP.Holder, v.VIP.Token, v.Serve.Epoch}
}

// changes are told once each.
func (p *publisher) changes(v *authority.View) {
	if v.Leader != p.before.Leader {
		p.tell(event.Leader{Leader: p.name(v.Leader), Prev: p.name(p.before.Leader)}, at(v))
	}
	if v.Quorum != p.before.Quorum {
		p.tell(event.Quorum{State: quorum(v.Quorum), Votes: len(v.Alive), Needed: len(v.Voters)/2 + 1}, at(v))
	}
	if v.Map.Epoch != p.before.Map.Epoch {
		if e := p.primary(v); e != nil {
			p.tell(*e, at(v))
		}
	}
	if (v.Map.Pause == nil) != (p.before.Map.Pause == nil) {
		e := event.Pause{Paused: v.Map.Pause != nil}
		if e.Paused {
			e.By = v.Map.Pause.By
		}
		p.tell(e, at(v))
	}
	if e, ok := failoverStep(&p.before.Map, &v.Map); ok {
		p.tell(e, at(v))
	}
}

// members are told when they come and go.
func (p *publisher) members(v *authority.View, seen *sight) {
	for i := range v.Map.Members {
		m := &v.Map.Members[i]
		if e := p.member(v, m, seen); p.nodes[m.ID] != e {
			p.nodes[m.ID] = e
			p.tell(e, at(v))
		}
	}
}

// backends are told when more than a position changed.
func (p *publisher) backends(v *authority.View, seen *sight) {
	for i := range v.Map.Backends {
		id := v.Map.Backends[i].ID
		e := p.backend(v, id, seen)
		plain := e
		plain.LSN, plain.LagBytes = "", nil
		if was, ok := p.known[id]; ok && was.State == plain.State && was.Role == plain.Role && was.Timeline == plain.Timeline && was.Reason == plain.Reason &&
			slices.Equal(was.By, plain.By) {
			continue
		}
		p.known[id] = plain
		p.tell(e, at(v))
	}
	for id := range p.known {
		if v.Map.Backend(id) == nil {
			delete(p.known, id)
			p.tell(event.Backend{ID: id, State: "unused"}, at(v))
		}
	}
}

// tick renews the leases. The event is stamped when it is told, so what is left counts from then.
func (p *publisher) tick(v *authority.View, now time.Duration) {
	t := event.Tick{Leader: p.name(v.Leader), Quorum: quorum(v.Quorum)}
	if left := (v.Serve.Until - now).Milliseconds(); left > 0 && v.Serve.Epoch == v.Map.Epoch {
		t.Serve = &event.Serve{Epoch: v.Serve.Epoch, TTLMS: left}
	}
	// How long another node may hold the address is not known here, but no longer than a lease.
	left := leaseTime
	if v.VIP.Holder == p.Self.ID {
		left = v.VIP.Until - now
	}
	if v.VIP.Holder != clustermap.None && left > 0 {
		t.VIP = &event.VIPLease{Holder: p.name(v.VIP.Holder), Token: v.VIP.Token, TTLMS: left.Milliseconds()}
	}
	p.tell(t, at(v))
	if holds := v.VIP.Holder == p.Self.ID && v.VIP.Until > now; holds != p.holds {
		p.holds = holds
		p.lead(holds)
	}
}

// failoverStep is the newest step of a failover, when it came between two maps.
func failoverStep(before, now *clustermap.Map) (e event.Failover, ok bool) {
	f, was := now.Failover, before.Failover
	if f == nil {
		f = now.Last
	}
	if was == nil {
		was = before.Last
	}
	if f == nil || was != nil && was.ID == f.ID && was.State == f.State && was.To == f.To {
		return e, false
	}
	e = event.Failover{ID: f.From, State: string(f.State), Reason: f.Reason, Evidence: f.Evidence, AllowLoss: f.AllowLoss}
	if f.Err != "" {
		e.Reason = f.Err
	}
	if f.To != clustermap.None {
		e.Candidate = &f.To
	}
	if lag := int64(f.Lag); lag > 0 {
		e.LagBytes = &lag
	}
	return e, true
}
