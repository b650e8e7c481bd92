package render

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/pgcrew/pgcrew/pcpd/internal/client"
)

var nodeColumns = []column{
	{"Hostname", "hostname", false},
	{"Port", "port", true},
	{"Status", "status_code", true},
	{"Weight", "lb_weight", true},
	{"Status Name", "status", false},
	{"Backend Status Name", "pg_status", false},
	{"Role", "role", false},
	{"Backend Role", "pg_role", false},
	{"Replication Delay", "replication_delay", true},
	{"Replication State", "replication_state", false},
	{"Replication Sync State", "replication_sync_state", false},
	{"Last Status Change", "last_status_change", false},
}

// delayColumn is the index of the delay in nodeColumns.
const delayColumn = 8

// since43 are the columns that 4.2 has not.
var since43 = map[string]bool{"pg_status": true, "pg_role": true}

// What the numbers mean. Others are unknown.
var (
	statusNames = []string{"unused", "waiting", "up", "down"}
	roleNames   = []string{"main", "replica", "primary", "standby"}
)

// statusDown is the number of down in statusNames.
const statusDown = 3

// Nodes prints what is known of nodes, which are numbered from first on.
func (p *Printer) Nodes(first int, nodes []client.Node) error {
	t := table{columns: slices.Clone(nodeColumns)}
	for _, n := range nodes {
		t.rows = append(t.rows, p.node(n))
		if n.TimeDelay {
			t.columns[delayColumn].name = "replication_delay_s" // otherwise it is in bytes
		}
	}
	if len(nodes) > 0 && nodes[0].Layout == client.V42 {
		t.columns, t.tight = slices.DeleteFunc(t.columns, func(c column) bool { return since43[c.name] }), true
	}
	if p.JSON {
		t.columns = append([]column{{"", "node_id", true}}, t.columns...)
		for i, row := range t.rows {
			t.rows[i] = append([]string{strconv.Itoa(first + i)}, row...)
		}
	}
	return p.table(t)
}

func (p *Printer) node(n client.Node) []string {
	status := name(statusNames, n.Status)
	if n.Status == statusDown && n.Quarantine {
		status = "quarantine"
	}
	row := []string{n.Host, strconv.FormatInt(n.Port, 10), strconv.FormatInt(n.Status, 10), fmt.Sprintf("%f", n.Weight), status}
	state, sync, changed := n.State, n.SyncState, p.at(n.Changed)
	if p.JSON {
		changed = p.known(n.Changed)
	}
	if n.Layout == client.V42 {
		return append(row, name(roleNames, n.Role), p.delay(n), state, sync, changed)
	}
	if state == "" && !p.JSON {
		state = "none"
	}
	if sync == "" && !p.JSON {
		sync = "none"
	}
	return append(row, n.PgStatus, name(roleNames, n.Role), n.PgRole, p.delay(n), state, sync, changed)
}

// delay is in bytes, or in seconds where the server measures time.
func (p *Printer) delay(n client.Node) string {
	if !n.TimeDelay {
		return strconv.FormatInt(n.Delay, 10)
	}
	text := fmt.Sprintf("%d.%06d", n.Delay/1e6, n.Delay%1e6)
	if p.Verbose {
		text += " second"
		if n.Delay >= 2e6 {
			text += "s"
		}
	}
	return text
}

func name(names []string, n int64) string {
	if n < 0 || n >= int64(len(names)) {
		return "unknown"
	}
	return names[n]
}
