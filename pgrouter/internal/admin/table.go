package admin

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/pgcrew/pgcrew/pgrouter/internal/cluster"
)

// columns of SHOW POOL_..., in Pgpool-II 4.3's order.
var columns = map[string][]string{
	"pool_nodes": {"node_id", "hostname", "port", "status", "pg_status", "lb_weight", "role", "pg_role", "select_cnt",
		"load_balance_node", "replication_delay", "replication_state", "replication_sync_state", "last_status_change"},
	"pool_status": {"item", "value", "description"},
	"pool_processes": {"pool_pid", "start_time", "client_connection_count", "database", "username",
		"backend_connection_time", "pool_counter", "status"},
	"pool_pools": {"pool_pid", "start_time", "client_connection_count", "pool_id", "backend_id", "database", "username",
		"backend_connection_time", "client_connection_time", "client_disconnection_time", "client_idle_duration",
		"majorversion", "minorversion", "pool_counter", "pool_backendpid", "pool_connected", "status"},
	"pool_version": {"pool_version"},
	"pool_cache": {"num_cache_hits", "num_selects", "cache_hit_ratio", "num_hash_entries", "used_hash_entries",
		"num_cache_entries", "used_cache_entries_size", "free_cache_entries_size", "fragment_cache_entries_size"},
	"pool_health_check_stats": {"node_id", "hostname", "port", "status", "role", "last_status_change", "total_count",
		"success_count", "fail_count", "skip_count", "retry_count", "average_retry_count", "max_retry_count",
		"max_duration", "min_duration", "average_duration", "last_health_check", "last_successful_health_check",
		"last_skip_health_check", "last_failed_health_check"},
	"pool_backend_stats": {"node_id", "hostname", "port", "status", "role", "select_cnt", "insert_cnt", "update_cnt",
		"delete_cnt", "ddl_cnt", "other_cnt", "panic_cnt", "fatal_cnt", "error_cnt"},
}

// show makes the rows of SHOW POOL_...
func (e *Engine) show(ctx context.Context, name string) [][]string {
	switch name {
	case "pool_nodes":
		return e.nodes()
	case "pool_status":
		return e.status()
	case "pool_processes":
		return e.processes(ctx)
	case "pool_pools":
		return e.pools(ctx)
	case "pool_version":
		return [][]string{{e.world.Version()}}
	case "pool_cache":
		return e.cache()
	case "pool_health_check_stats":
		return e.health()
	default:
		return e.backendStats()
	}
}

func (e *Engine) nodes() [][]string {
	stats := byNode(e.world.NodeStats())
	byTime := e.config().Duration("delay_threshold_by_time") > 0
	var rows [][]string
	for _, n := range e.world.Map().Nodes {
		delay := number(n.LagBytes)
		if byTime {
			// As 4.4 and later print it when the threshold is a time.
			delay = fmt.Sprintf("%f second", n.LagTime.Seconds())
		}
		rows = append(rows, []string{number(n.ID), n.Host, number(n.Port), n.Status.String(), n.PGStatus,
			real(n.Weight), n.Role.String(), n.PGRole.String(), number(stats[n.ID].Selects),
			strconv.FormatBool(n.ID == e.LoadBalanceNode), delay, n.ReplicationState, n.SyncState, clock(n.Since)})
	}
	return rows
}

func (e *Engine) processes(ctx context.Context) [][]string {
	var rows [][]string
	for _, s := range e.world.Sessions(ctx) {
		counter := ""
		if s.PoolCounter > 0 {
			counter = number(s.PoolCounter)
		}
		rows = append(rows, []string{number(s.PID), clock(s.Start), number(s.Clients), s.Database, s.User,
			clock(s.Connected), counter, s.State})
	}
	return rows
}

func (e *Engine) pools(ctx context.Context) [][]string {
	var rows [][]string
	for _, p := range e.world.Pools(ctx) {
		inUse := "0"
		if p.InUse {
			inUse = "1"
		}
		rows = append(rows, []string{number(p.PID), clock(p.Start), number(p.Clients), number(p.PoolID),
			number(p.BackendID), p.Database, p.User, clock(p.Connected), clock(p.ClientCame), clock(p.ClientLeft),
			number(int64(p.ClientIdle / time.Second)), number(p.Major), number(p.Minor), number(p.Counter),
			number(p.BackendPID), inUse, p.State})
	}
	return rows
}

func (e *Engine) health() [][]string {
	m := e.world.Map()
	var rows [][]string
	for _, h := range e.world.Health() {
		n := m.Node(h.NodeID)
		if n == nil {
			continue
		}
		rows = append(rows, []string{number(n.ID), n.Host, number(n.Port), n.Status.String(), n.Role.String(),
			clock(n.Since), number(h.Total), number(h.Success), number(h.Fail), number(h.Skip), number(h.Retries),
			real(h.AverageRetries()), number(h.MaxRetries), number(h.MaxDuration.Milliseconds()),
			number(h.MinDuration.Milliseconds()), real(h.AverageMillis()),
			clock(h.Last), clock(h.LastSuccess), clock(h.LastSkipped), clock(h.LastFailure)})
	}
	return rows
}

func (e *Engine) backendStats() [][]string {
	stats := byNode(e.world.NodeStats())
	var rows [][]string
	for _, n := range e.world.Map().Nodes {
		s := stats[n.ID]
		rows = append(rows, []string{number(n.ID), n.Host, number(n.Port), n.Status.String(), n.Role.String(),
			number(s.Selects), number(s.Inserts), number(s.Updates), number(s.Deletes), number(s.DDL), number(s.Other),
			number(s.Panics), number(s.Fatals), number(s.Errors)})
	}
	return rows
}

func (e *Engine) cache() [][]string {
	var c CacheStats
	if w, ok := e.world.(Cacher); ok {
		c = w.Cache()
	}
	ratio := 0.0
	if all := c.Hits + c.Selects; all > 0 {
		ratio = float64(c.Hits) / float64(all)
	}
	return [][]string{{number(c.Hits), number(c.Selects), strconv.FormatFloat(ratio, 'f', 2, 64), number(c.HashEntries),
		number(c.UsedHashEntries), number(c.Entries), number(c.UsedBytes), number(c.FreeBytes), number(c.FragmentBytes)}}
}

// status is the configuration with, behind each backend's, what is true of it now.
func (e *Engine) status() [][]string {
	m := e.world.Map()
	var rows [][]string
	for _, i := range e.config().Status() {
		rows = append(rows, []string{i.Name, i.Value, i.Description})
		for _, n := range m.Nodes {
			if i.Name == "backend_data_directory"+number(n.ID) {
				rows = append(rows, runtime(&n)...)
			}
		}
	}
	return rows
}

func runtime(n *cluster.Node) [][]string {
	id := number(n.ID)
	return [][]string{
		{"backend_status" + id, n.Status.String(), "status of the backend"},
		{"standby_delay" + id, number(n.LagBytes), "bytes of WAL that the standby has not replayed"},
	}
}

func byNode(all []NodeStats) map[int]NodeStats {
	m := make(map[int]NodeStats, len(all))
	for _, s := range all {
		m[s.NodeID] = s
	}
	return m
}

func number[T int | int64 | uint32 | uint64](n T) string { return fmt.Sprint(n) }

func real(f float64) string { return strconv.FormatFloat(f, 'f', 6, 64) }

// clock writes a time as Pgpool-II does, in the server's time zone; "" for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
