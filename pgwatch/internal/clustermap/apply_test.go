package clustermap

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// do applies commands that must be taken.
func do(t *testing.T, m Map, commands ...Command) Map {
	t.Helper()
	for _, c := range commands {
		next, err := m.Apply(m.Index+1, c)
		if err != nil {
			t.Fatalf("%s: %v", c.Encode(), err)
		}
		m = next
	}
	return m
}

func two(t *testing.T) Map {
	return do(t, Map{},
		Command{Configure: &Configure{Cluster: "c", Backends: []Backend{{ID: 0, Host: "a", Port: 5432}, {ID: 1, Host: "b", Port: 5432}}}},
		Command{Found: &Primary{Backend: 0, SystemID: "7"}})
}

func TestFailover(t *testing.T) {
	m := do(t, two(t), Command{Begin: &Failover{Kind: Failure, From: 0, To: None, Reason: "gone"}})
	id, to := m.Failover.ID, 1
	if m.Failover.Epoch != 2 || m.Epoch != 1 {
		t.Fatalf("it opens epoch %d in epoch %d", m.Failover.Epoch, m.Epoch)
	}
	m = do(t, m,
		Command{Backend: &SetBackend{ID: 1, Status: Down}},
		Command{Advance: &Advance{ID: id, State: Recruit, Evidence: []string{"dead"}}},
		Command{Advance: &Advance{ID: id, State: CatchUp, To: &to}},
		Command{Advance: &Advance{ID: id, State: Promote}},
		Command{Advance: &Advance{ID: id, State: Open}},
		Command{Opened: &Opened{ID: id, Primary: Primary{Backend: 1, Timeline: 2}}},
		Command{Advance: &Advance{ID: id, State: Done}})
	if m.Epoch != 2 || m.PrimaryID() != 1 || m.Failover != nil || m.Last.State != Done || m.Backend(0).Status != Down || m.Backend(1).Status != Attached {
		t.Errorf("%s", m.Encode())
	}
}

// A failover that was given up may have left a promoted server behind: its epoch must never be opened by another one.
func TestEpochOfFailedFailoverIsNotUsedAgain(t *testing.T) {
	m := do(t, two(t), Command{Begin: &Failover{Kind: Failure, From: 0, To: None}})
	m = do(t, m, Command{Advance: &Advance{ID: m.Failover.ID, State: Failed, Err: "no candidate"}})
	m = do(t, m, Command{Begin: &Failover{Kind: Failure, From: 0, To: None}})
	if m.Failover.Epoch != 3 {
		t.Errorf("it opens epoch %d", m.Failover.Epoch)
	}
}

func TestSyncIsOfOneEpoch(t *testing.T) {
	before := two(t)
	m := do(t, before, Command{Sync: &SetSync{Epoch: 1, Sync: &Sync{Num: 1, Backends: []int{1}}}})
	if m.Primary.Sync == nil || before.Primary.Sync != nil {
		t.Errorf("after it %+v, before it %+v", m.Primary.Sync, before.Primary.Sync)
	}
	if m = do(t, m, Command{Sync: &SetSync{Epoch: 1}}); m.Primary.Sync != nil {
		t.Errorf("it was not taken away")
	}
}

// A synchronous standby that is taken out of the configuration confirms commits as before.
func TestSyncOutlivesItsBackend(t *testing.T) {
	m := do(t, two(t), Command{Sync: &SetSync{Epoch: 1, Sync: &Sync{Num: 1, Backends: []int{1}}}})
	after := do(t, m, Command{Configure: &Configure{Backends: []Backend{{ID: 0, Host: "a", Port: 5432}}}})
	if s := after.Primary.Sync; len(s.Backends) != 0 || s.Others != 1 || len(m.Primary.Sync.Backends) != 1 {
		t.Errorf("%+v, before it %+v", s, m.Primary.Sync)
	}
}

func TestRefusals(t *testing.T) {
	m := two(t)
	busy := do(t, m, Command{Begin: &Failover{Kind: Failure, From: 0, To: None}})
	for name, c := range map[string]struct {
		m Map
		c Command
	}{
		"second primary":      {m, Command{Found: &Primary{Backend: 1}}},
		"second failover":     {busy, Command{Begin: &Failover{Kind: Failure, From: 0, To: None}}},
		"from a standby":      {m, Command{Begin: &Failover{Kind: Failure, From: 1, To: None}}},
		"to itself":           {m, Command{Begin: &Failover{Kind: Switchover, From: 0, To: 0}}},
		"to nobody":           {m, Command{Begin: &Failover{Kind: Switchover, From: 0, To: 7}}},
		"back":                {do(t, busy, Command{Advance: &Advance{ID: busy.Failover.ID, State: Recruit}}), Command{Advance: &Advance{ID: busy.Failover.ID, State: Fence}}},
		"reconverge unopened": {busy, Command{Advance: &Advance{ID: busy.Failover.ID, State: Reconverge}}},
		"done unopened":       {busy, Command{Advance: &Advance{ID: busy.Failover.ID, State: Done}}},
		"open too early":      {busy, Command{Opened: &Opened{ID: busy.Failover.ID, Primary: Primary{Backend: 1}}}},
		"another failover":    {busy, Command{Advance: &Advance{ID: 999, State: Recruit}}},
		"the primary goes":    {m, Command{Configure: &Configure{Backends: []Backend{{ID: 1, Host: "b", Port: 5432}}}}},
		"its candidate goes":  {do(t, busy, Command{Advance: &Advance{ID: busy.Failover.ID, State: CatchUp, To: new(1)}}), Command{Configure: &Configure{Backends: []Backend{{ID: 0, Host: "a", Port: 5432}}}}},
		"sync of another":     {m, Command{Sync: &SetSync{Epoch: 2}}},
		"a status of its own": {m, Command{Backend: &SetBackend{ID: 1, Status: "lost"}}},
		"nothing":             {m, Command{}},
		"moved on":            {m, Command{Expect: &Rev{1, 0}, Pause: new(bool)}},
	} {
		next, err := c.m.Apply(c.m.Index+1, c.c)
		if err == nil {
			t.Errorf("%s: taken", name)
		}
		next.Index = c.m.Index
		if !reflect.DeepEqual(next, c.m) {
			t.Errorf("%s: refused, but it changed the map", name)
		}
		if stale := errors.Is(err, ErrStale); stale != (name == "moved on") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever comes in whatever order: epochs only grow, none is opened twice, and no Map that was published changes.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		states := append(slices.Clone(order), Failed)
		m, opened := Map{}, map[uint64]int{}
		for range rapid.IntRange(1, 60).Draw(t, "commands") {
			backend, id := rapid.IntRange(0, 2).Draw(t, "backend"), uint64(0)
			if m.Failover != nil {
				id = m.Failover.ID
			}
			c := rapid.SampledFrom([]Command{
				{Configure: &Configure{Backends: []Backend{{ID: 0, Host: "a"}, {ID: 1, Host: "b"}, {ID: 2, Host: "c"}}}},
				{Found: &Primary{Backend: backend}},
				{Begin: &Failover{Kind: Failure, From: backend, To: None}},
				{Advance: &Advance{ID: id, State: rapid.SampledFrom(states).Draw(t, "state"), To: &backend}},
				{Opened: &Opened{ID: id, Primary: Primary{Backend: backend}}},
				{Backend: &SetBackend{ID: backend, Status: Detached}},
			}).Draw(t, "command")
			before := string(m.Encode())
			next, err := m.Apply(m.Index+1, c)
			if string(m.Encode()) != before {
				t.Fatalf("%s changed the map before it", c.Encode())
			}
			if next.Epoch < m.Epoch || next.Promised < next.Epoch || next.Promised < m.Promised {
				t.Fatalf("epoch %d, promised %d after %d, %d", next.Epoch, next.Promised, m.Epoch, m.Promised)
			}
			if err == nil && next.Epoch > m.Epoch {
				if was, ok := opened[next.Epoch]; ok {
					t.Fatalf("epoch %d was opened for backend %d already", next.Epoch, was)
				}
				opened[next.Epoch] = next.PrimaryID()
			}
			m = next
		}
	})
}

func FuzzDecodeCommand(f *testing.F) {
	f.Add([]byte(`{"found":{"backend":0}}`))
	f.Add((&Command{Begin: &Failover{Kind: Switchover, From: 0, To: 1}}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCommand(b)
		if err != nil {
			return
		}
		again, err := DecodeCommand(c.Encode())
		if err != nil || string(again.Encode()) != string(c.Encode()) {
			t.Errorf("%s became %s: %v", c.Encode(), again.Encode(), err)
		}
		new(Map).Apply(1, c)
	})
}
