package e2e

import "github.com/pgcrew/pgcrew/common/pgtest"

// A moment is a state of a cluster in which questions are asked. Each is reached from the one before, and the last
// question may be an order that leads on to the next.
type moment struct {
	name  string // of the file of its recordings
	about string
	reach func(w *world)
	asks  []string
}

// moments are the life of a primary, node 0, and a standby, node 1.
var moments = []moment{
	{"both-up", "Both nodes are up, and a client is connected.",
		func(w *world) {
			w.until(0, up, "primary")
			w.until(1, up, "standby")
			w.connect(0, 1)
		},
		[]string{
			"pcp_node_count",
			"pcp_node_info",
			"pcp_node_info -a",
			"pcp_node_info -n 0",
			"pcp_node_info -n 1",
			"pcp_node_info -n 7",
			"pcp_health_check_stats -n 0",
			"pcp_health_check_stats -n 1",
			"pcp_health_check_stats -n 2",
			"pcp_proc_count",
			"pcp_proc_info",
			"pcp_proc_info -a",
			"pcp_proc_info -P 2000000000",
			"pcp_pool_status",
			"pcp_watchdog_info",
			"pcp_recovery_node -n 0",
			"pcp_recovery_node -n 9",
			"pcp_promote_node -n 0",
			"pcp_promote_node -n 9",
			"pcp_node_count -U mallory",
			"pcp_node_count -U nobody",
			"pcp_reload_config",
			"pcp_detach_node -n 1",
		}},
	{"standby-detached", "Node 1 was detached by an operator.",
		func(w *world) {
			w.until(1, down, "standby")
			w.connect(0)
		},
		[]string{"pcp_node_info", "pcp_health_check_stats -n 1", "pcp_attach_node -n 1"}},
	{"standby-stopped", "The server of node 1 does not run.",
		func(w *world) {
			w.until(1, up, "standby")
			w.connect(0, 1)
			w.servers[1].Stop(w.t, pgtest.Immediate)
			w.until(1, stopped, "standby")
			w.connect(0)
		},
		[]string{"pcp_node_info", "pcp_node_info -n 1"}},
	{"primary-failed", "The server of node 0 has died, and node 1 was promoted.",
		func(w *world) {
			w.servers[1].Start(w.t)
			w.order("pcp_attach_node -n 1")
			w.until(1, up, "standby")
			w.connect(0, 1)
			w.servers[0].Stop(w.t, pgtest.Immediate)
			w.until(1, up, "primary")
			w.until(0, stopped, "standby")
			w.connect(1)
		},
		[]string{"pcp_node_info", "pcp_node_info -n 0", "pcp_promote_node -n 1", "pcp_recovery_node -n 1"}},
	{"no-such-node", "Orders for a node that does not exist.",
		func(w *world) {},
		[]string{"pcp_attach_node -n 9", "pcp_detach_node -n 9"}},
	{"end", "The last order of all.",
		func(w *world) { w.until(1, up, "primary"); w.connect(1) },
		[]string{"pcp_stop_pgpool -m fast"}},
}
