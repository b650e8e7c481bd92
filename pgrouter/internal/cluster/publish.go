package cluster

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
)

// board holds the present Map and tells those who want to know of a new one.
type board struct {
	now atomic.Pointer[Map]

	mu   sync.Mutex
	subs map[int]func(*Map)
	next int
}

// Map returns the newest state.
func (b *board) Map() *Map { return b.now.Load() }

// Subscribe implements Cluster.
func (b *board) Subscribe(f func(*Map)) (cancel func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = map[int]func(*Map){}
	}
	id := b.next
	b.next++
	b.subs[id] = f
	f(b.now.Load())
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, id)
	}
}

// publish replaces the Map, unless it says the same as before. Only one goroutine may call it.
func (b *board) publish(m *Map, log *slog.Logger) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.now.Load()
	if old != nil && old.Epoch == m.Epoch && old.Primary == m.Primary && slices.Equal(old.Nodes, m.Nodes) {
		return
	}
	b.now.Store(m)
	if old != nil {
		report(log, old, m)
	}
	for _, f := range b.subs {
		f(m)
	}
}

// report logs what changed from one Map to the next, without what changes all the time.
func report(log *slog.Logger, old, now *Map) {
	for i := range now.Nodes {
		n := &now.Nodes[i]
		was := old.Node(n.ID)
		if was == nil {
			was = &Node{Status: Waiting}
		}
		if was.Up == n.Up && was.Err == n.Err && was.Role == n.Role && was.Status == n.Status && was.Address == n.Address {
			continue
		}
		attrs := []any{"node", n.ID, "addr", n.Address, "status", n.Status.String(), "role", n.Role.String(), "epoch", now.Epoch}
		switch {
		case n.Err != "" && n.Err != was.Err:
			log.Warn(availability(n), append(attrs, "err", n.Err)...)
		case was.Up != n.Up || was.Role != n.Role || was.Address != n.Address:
			log.Info(availability(n), attrs...)
		}
	}
	for i := range old.Nodes {
		if n := &old.Nodes[i]; now.Node(n.ID) == nil {
			log.Info("the server was taken out of the configuration", "node", n.ID, "addr", n.Address)
		}
	}
	if old.Primary != now.Primary && now.Primary < 0 {
		log.Warn("there is no primary", "epoch", now.Epoch)
	}
}

func availability(n *Node) string {
	if n.Up {
		return "the server gets sessions"
	}
	return "the server gets no sessions"
}
