package render

import (
	"fmt"
	"strings"

	"github.com/pgcrew/pgcrew/pcpd/internal/client"
)

var processColumns = []column{
	{"Database", "database", false},
	{"Username", "username", false},
	{"Start time", "start_time", false},
	{"Client connection count", "client_connection_count", true},
	{"Major", "majorversion", true},
	{"Minor", "minorversion", true},
	{"Backend connection time", "backend_connection_time", false},
	{"Client connection time", "client_connection_time", false},
	{"Client idle duration", "client_idle_duration", true},
	{"Client disconnection time", "client_disconnection_time", false},
	{"Pool Counter", "pool_counter", true},
	{"Backend PID", "pool_backendpid", true},
	{"Connected", "pool_connected", true},
	{"PID", "pool_pid", true},
	{"Backend ID", "backend_id", true},
	{"Status", "status", false},
	{"Load balance node", "load_balance_node", true},
	{"client_host", "client_host", false},
	{"client_port", "client_port", false},
	{"statement", "statement", false},
}

var processColumns42 = []column{
	{"Database", "database", false},
	{"Username", "username", false},
	{"Start time", "start_time", false},
	{"Creation time", "create_time", false},
	{"Major", "majorversion", true},
	{"Minor", "minorversion", true},
	{"Counter", "pool_counter", true},
	{"Backend PID", "pool_backendpid", true},
	{"Connected", "pool_connected", true},
	{"PID", "pool_pid", true},
	{"Backend ID", "backend_id", true},
}

// ProcCount prints process numbers.
func (p *Printer) ProcCount(pids []int64) error {
	if p.JSON {
		return p.json(struct {
			Type string  `json:"type"`
			PIDs []int64 `json:"pids"`
		}{p.kind(), append([]int64{}, pids...)})
	}
	var b strings.Builder
	if !p.Verbose {
		for _, pid := range pids {
			fmt.Fprintf(&b, "%d ", pid)
		}
		return p.printf("%s\n", b.String())
	}
	for i, pid := range pids {
		fmt.Fprintf(&b, "%d \t | \t %d\n", i, pid)
	}
	return p.printf("No \t | \t PID\n_____________________\n%s\nTotal Processes:%d\n", b.String(), len(pids))
}

// Processes prints the slots of sessions; without all only those that have a database.
func (p *Printer) Processes(slots []client.Process, all bool) error {
	t := table{columns: processColumns}
	for _, s := range slots {
		if !all && s.Database == "" {
			continue
		}
		if s.Layout == client.V42 {
			t.columns, t.tight = processColumns42, true
			t.rows = append(t.rows, []string{s.Database, s.Username, p.known(s.StartedAt), p.known(s.CreatedAt), s.Major, s.Minor, s.Counter,
				s.BackendPID, s.Connected, s.PID, s.BackendID})
			continue
		}
		t.rows = append(t.rows, append([]string{s.Database, s.Username, s.Started, s.ClientConnections, s.Major, s.Minor,
			s.BackendConnected, s.ClientConnected, s.ClientIdle, s.ClientDisconnected, s.Counter, s.BackendPID, s.Connected, s.PID,
			s.BackendID, s.Status}, s.More...))
	}
	if len(t.rows) == 0 && !p.JSON {
		return p.printf("No process information available\n\n")
	}
	return p.table(t)
}
