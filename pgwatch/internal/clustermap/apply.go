package clustermap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ErrStale is returned by Apply when the Map is not the one that the command expects.
var ErrStale = errors.New("the cluster has moved on")

// Apply returns the Map after a command that the log holds at index. A refused command changes nothing but the index;
// every node refuses it alike.
func (m *Map) Apply(index uint64, c Command) (Map, error) {
	next := m.Clone()
	next.Index = index
	if c.Expect != nil && *c.Expect != m.Rev() {
		return next, fmt.Errorf("%w: it is at epoch %d, index %d, not at %d, %d", ErrStale, m.Epoch, m.Index, c.Expect.Epoch, c.Expect.Index)
	}
	changed := next.Clone()
	if err := changed.apply(c); err != nil {
		return next, err
	}
	return changed, nil
}

func (m *Map) apply(c Command) error {
	switch {
	case c.Found != nil:
		return m.found(c)
	case c.Begin != nil:
		return m.begin(c)
	case c.Advance != nil:
		return m.advance(*c.Advance)
	case c.Opened != nil:
		return m.open(c)
	case c.Sync != nil:
		if m.Primary == nil || c.Sync.Epoch != m.Epoch {
			return fmt.Errorf("it is epoch %d, not %d", m.Epoch, c.Sync.Epoch)
		}
		m.Primary.Sync = c.Sync.Sync
		return nil
	case c.Configure != nil:
		return m.configure(c)
	case c.Backend != nil:
		return m.setBackend(c)
	case c.Member != nil:
		if i := slices.IndexFunc(m.Members, func(o Member) bool { return o.ID == c.Member.ID }); i >= 0 {
			m.Members[i] = *c.Member
			return nil
		}
		m.Members = append(m.Members, *c.Member)
		slices.SortFunc(m.Members, func(a, b Member) int { return int(a.ID - b.ID) })
		return nil
	case c.Remove != nil:
		m.Members = slices.DeleteFunc(m.Members, func(o Member) bool { return o.ID == *c.Remove })
		return nil
	case c.Pause != nil:
		m.Pause = nil
		if *c.Pause {
			m.Pause = &Pause{By: c.By, Since: c.At}
		}
		return nil
	case c.Forced != nil:
		m.Forced = append(m.Forced, *c.Forced)
		return nil
	}
	return errors.New("a command that says nothing")
}

func (m *Map) found(c Command) error {
	switch {
	case m.Epoch != 0:
		return fmt.Errorf("there is a primary already: backend %d in epoch %d", m.PrimaryID(), m.Epoch)
	case m.Backend(c.Found.Backend) == nil:
		return fmt.Errorf("there is no backend %d", c.Found.Backend)
	}
	m.Epoch, m.Promised, m.Primary = 1, 1, c.Found.clone()
	m.Primary.Since = c.At
	m.Backend(c.Found.Backend).Led = m.Epoch
	return nil
}

func (m *Map) begin(c Command) error {
	b := c.Begin
	switch {
	case m.Failover != nil:
		return fmt.Errorf("failover %d is under way (%s)", m.Failover.ID, m.Failover.State)
	case m.Epoch == 0:
		return errors.New("there has been no primary yet")
	case b.From != m.PrimaryID():
		return fmt.Errorf("backend %d is not the primary: backend %d is", b.From, m.PrimaryID())
	case b.To == b.From:
		return fmt.Errorf("backend %d is the primary already", b.To)
	case b.To != None && m.Backend(b.To) == nil:
		return fmt.Errorf("there is no backend %d", b.To)
	}
	m.Promised++
	m.Failover = &Failover{ID: m.Index, Kind: b.Kind, State: Fence, Epoch: m.Promised, From: b.From, To: b.To, Reason: b.Reason,
		AllowLoss: b.AllowLoss, By: c.By, Since: c.At}
	return nil
}

// current returns the failover that a command speaks of.
func (m *Map) current(id uint64) (*Failover, error) {
	if m.Failover == nil || m.Failover.ID != id {
		return nil, fmt.Errorf("failover %d is not under way", id)
	}
	return m.Failover, nil
}

func (m *Map) advance(a Advance) error {
	f, err := m.current(a.ID)
	switch {
	case err != nil:
		return err
	case a.State == "" || a.State == f.State:
	case a.State == Failed && f.State.Before(Reconverge), f.State.Before(a.State) && (a.State.Before(Reconverge) || f.State == Reconverge):
		f.State = a.State
	default:
		return fmt.Errorf("failover %d cannot go from %s to %s", f.ID, f.State, a.State)
	}
	if a.To != nil {
		if f.To != None && f.To != *a.To && !f.State.Before(Promote) {
			return fmt.Errorf("failover %d promotes backend %d already", f.ID, f.To)
		}
		f.To = *a.To
	}
	f.Evidence, f.Hooks = union(f.Evidence, a.Evidence), union(f.Hooks, a.Hooks)
	if a.Lag != nil {
		f.Lag = *a.Lag
	}
	if a.Err != "" {
		f.Err = a.Err
	}
	if f.State.Ended() {
		m.Last, m.Failover = f, nil
	}
	return nil
}

func union(have, more []string) []string {
	for _, e := range more {
		if !slices.Contains(have, e) {
			have = append(have, e)
		}
	}
	return have
}

func (m *Map) open(c Command) error {
	f, err := m.current(c.Opened.ID)
	switch {
	case err != nil:
		return err
	case f.State != Open:
		return fmt.Errorf("failover %d is at %s, not at %s", f.ID, f.State, Open)
	case c.Opened.Primary.Backend != f.To:
		return fmt.Errorf("failover %d is for backend %d, not %d", f.ID, f.To, c.Opened.Primary.Backend)
	}
	m.Epoch, m.Primary = f.Epoch, c.Opened.Primary.clone()
	m.Primary.Since = c.At
	f.State = Reconverge
	if b := m.Backend(f.To); b != nil {
		b.Led = m.Epoch
		if b.Status == Down { // nothing better was there, and it lives
			b.decide(Attached, "", c.By, c.At, m.Index)
		}
	}
	switch old := m.Backend(f.From); {
	case old == nil:
	case f.Kind == Detach:
		old.decide(Detached, f.Reason, f.By, c.At, m.Index)
	case f.Kind != Switchover && old.Status == Attached:
		old.decide(Down, f.Reason, c.By, c.At, m.Index)
	}
	return nil
}

func (m *Map) configure(c Command) error {
	if m.Cluster == "" {
		m.Cluster = c.Configure.Cluster
	}
	backends := slices.Clone(c.Configure.Backends)
	for i := range backends {
		b := &backends[i]
		if b.Status == "" {
			b.Status = Attached
		}
		if old := m.Backend(b.ID); old != nil && old.Host == b.Host && old.Port == b.Port {
			*b = *old
		}
	}
	gone := func(id int) bool {
		return id != None && !slices.ContainsFunc(backends, func(b Backend) bool { return b.ID == id })
	}
	switch p, f := m.PrimaryID(), m.Failover; {
	case gone(p):
		return fmt.Errorf("backend %d is the primary: it cannot be taken out of the configuration", p)
	case f != nil && (gone(f.From) || gone(f.To)):
		return fmt.Errorf("failover %d is under way (%s): its backends cannot be taken out of the configuration", f.ID, f.State)
	}
	m.Backends = backends
	if p := m.Primary; p != nil && p.Sync != nil {
		// One that goes may still confirm commits.
		have := len(p.Sync.Backends)
		p.Sync.Backends = slices.DeleteFunc(p.Sync.Backends, gone)
		p.Sync.Others += have - len(p.Sync.Backends)
	}
	return nil
}

func (m *Map) setBackend(c Command) error {
	b := m.Backend(c.Backend.ID)
	if b == nil {
		return fmt.Errorf("there is no backend %d", c.Backend.ID)
	}
	switch c.Backend.Status {
	case Attached, Down, Detached, Quarantined:
	default:
		return fmt.Errorf("a backend has no status %q", c.Backend.Status)
	}
	b.decide(c.Backend.Status, c.Backend.Reason, c.By, c.At, m.Index)
	if b.Status == Attached && b.ID != m.PrimaryID() {
		b.Led = 0
	}
	return nil
}

func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
