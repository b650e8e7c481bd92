package proxy

import (
	"context"
	"time"
)

// Status is what pgrouter status prints. Its JSON form may only grow.
type Status struct {
	Version     string       `json:"version"`
	Epoch       uint64       `json:"epoch"`
	Primary     int          `json:"primary"` // -1: none is known
	Sessions    int64        `json:"sessions"`
	MaxSessions int          `json:"max_sessions"`
	Busy        int          `json:"busy"`
	Idle        int          `json:"idle_servers"` // server connections that no session uses
	Nodes       []NodeStatus `json:"nodes"`
}

// NodeStatus is one server in it.
type NodeStatus struct {
	ID       int       `json:"id"`
	Host     string    `json:"host"`
	Port     int       `json:"port"`
	Address  string    `json:"address"` // what is dialed
	Status   string    `json:"status"`
	Role     string    `json:"role"`
	Weight   float64   `json:"weight"`
	LagBytes int64     `json:"lag_bytes"`
	LagMS    float64   `json:"lag_ms"`
	Selects  uint64    `json:"selects"`
	Errors   uint64    `json:"errors"`
	Servers  int       `json:"servers"` // connections to it
	Used     int       `json:"used"`    // those of them that sessions hold
	Since    time.Time `json:"since"`
	Err      string    `json:"err,omitempty"`
}

// Status gathers it from all loops.
func (r *Router) Status(ctx context.Context) Status {
	m := r.cluster.Map()
	st := Status{Version: r.version, Epoch: m.Epoch, Primary: m.Primary, Sessions: r.sessions.Load(),
		MaxSessions: r.settings.Load().MaxClients, Nodes: []NodeStatus{}}
	var stats tally
	servers, used := make(map[int]int), make(map[int]int)
	r.gather(ctx, func(sh *shard) {
		for c := range sh.clients {
			if c.conv.Busy() {
				st.Busy++
			}
		}
		st.Idle += sh.pool.Len()
		for s := range sh.servers {
			servers[s.node]++
			if s.owner != nil {
				used[s.node]++
			}
		}
		stats.add(&sh.stats)
	})
	for i := range m.Nodes {
		n := &m.Nodes[i]
		row := NodeStatus{ID: n.ID, Host: n.Host, Port: n.Port, Address: n.Address, Status: n.Status.String(), Role: n.Role.String(),
			Weight: n.Weight, LagBytes: n.LagBytes, LagMS: float64(n.LagTime) / float64(time.Millisecond),
			Servers: servers[n.ID], Used: used[n.ID], Since: n.Since, Err: n.Err}
		c := stats.of(n.ID)
		row.Selects, row.Errors = c.selects, c.errors
		st.Nodes = append(st.Nodes, row)
	}
	return st
}
