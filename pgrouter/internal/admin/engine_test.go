package admin

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// read decodes an answer with pgproto3 and writes a line for each message. Descriptions are checked on the way.
func read(t *testing.T, reply []byte) []string {
	t.Helper()
	f := pgproto3.NewFrontend(bytes.NewReader(reply), nil)
	var lines []string
	for {
		m, err := f.Receive()
		if err != nil {
			if err.Error() != "unexpected EOF" {
				t.Fatalf("decode %q: %v", reply, err)
			}
			return lines
		}
		switch m := m.(type) {
		case *pgproto3.RowDescription:
			line := "columns"
			for _, c := range m.Fields {
				if c.DataTypeOID != 25 || c.DataTypeSize != -1 || c.TypeModifier != -1 {
					t.Errorf("column %+v is not text", c)
				}
				line += " " + string(c.Name)
				if c.Format == 1 {
					line += "(binary)"
				}
			}
			lines = append(lines, line)
		case *pgproto3.DataRow:
			lines = append(lines, fmt.Sprintf("%q", m.Values))
		case *pgproto3.CommandComplete:
			lines = append(lines, string(m.CommandTag))
		case *pgproto3.ErrorResponse:
			lines = append(lines, m.Severity+" "+m.Code+" "+m.Message)
		default:
			lines = append(lines, strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3."))
		}
	}
}

func TestQuery(t *testing.T) {
	e := New(newFixed(t))
	e.LoadBalanceNode = 2
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"PGPOOL SHOW bogus", []string{`ERROR 42704 config variable "bogus" not found`}},
		{"PGPOOL SET bogus = 1", []string{`ERROR 42704 config variable "bogus" not found`}},
		{"PGPOOL SET port = 1", []string{`ERROR 55P02 invalid Context, value for parameter "port" cannot be changed`}},
		{"PGPOOL RESET port", []string{`ERROR 55P02 invalid Context, value for parameter "port" cannot be changed`}},
		{"PGPOOL nonsense", []string{`ERROR 42601 syntax error at or near "nonsense"`}},

		{"SHOW pool_nodes", []string{
			"columns node_id hostname port status pg_status lb_weight role pg_role select_cnt load_balance_node replication_delay replication_state replication_sync_state last_status_change",
			`["0" "db1" "5432" "up" "up" "0.250000" "primary" "primary" "0" "false" "0" "" "" "2026-11-23 07:49:08"]`,
			`["2" "db2" "5433" "waiting" "up" "0.750000" "standby" "standby" "10" "true" "4096" "streaming" "async" "2026-11-23 07:50:08"]`,
			"SELECT 2"}},
		{"SHOW POOL_PROCESSES", []string{
			"columns pool_pid start_time client_connection_count database username backend_connection_time pool_counter status",
			`["4190" "2026-11-23 07:48:08" "0" "test" "ann" "2026-11-23 07:51:08" "2" "Execute command"]`,
			`["4191" "2026-11-23 07:48:08" "0" "" "" "" "" "Wait for connection"]`,
			"SELECT 2"}},
		{"SHOW pool_pools;", []string{
			"columns pool_pid start_time client_connection_count pool_id backend_id database username backend_connection_time client_connection_time client_disconnection_time client_idle_duration majorversion minorversion pool_counter pool_backendpid pool_connected status",
			`["4190" "2026-11-23 07:48:08" "0" "1" "2" "test" "ann" "2026-11-23 07:49:08" "2026-11-23 07:50:08" "" "3" "3" "2" "7" "99" "1" "Idle"]`,
			"SELECT 1"}},
		{"SHOW pool_version", []string{"columns pool_version", `["pgrouter 1.2"]`, "SELECT 1"}},
		{"SHOW pool_cache", []string{
			"columns num_cache_hits num_selects cache_hit_ratio num_hash_entries used_hash_entries num_cache_entries used_cache_entries_size free_cache_entries_size fragment_cache_entries_size",
			`["0" "0" "0.00" "0" "0" "0" "0" "0" "0"]`, "SELECT 1"}},
		{"SHOW pool_health_check_stats", []string{
			"columns node_id hostname port status role last_status_change total_count success_count fail_count skip_count retry_count average_retry_count max_retry_count max_duration min_duration average_duration last_health_check last_successful_health_check last_skip_health_check last_failed_health_check",
			`["0" "db1" "5432" "up" "primary" "2026-11-23 07:49:08" "15" "14" "0" "1" "7" "0.500000" "3" "55" "14" "22.571429" "2026-11-23 08:01:08" "2026-11-23 08:01:08" "2026-11-23 08:00:08" ""]`,
			"SELECT 1"}},
		{"SHOW pool_backend_stats", []string{
			"columns node_id hostname port status role select_cnt insert_cnt update_cnt delete_cnt ddl_cnt other_cnt panic_cnt fatal_cnt error_cnt",
			`["0" "db1" "5432" "up" "primary" "0" "0" "0" "0" "0" "0" "0" "0" "0"]`,
			`["2" "db2" "5433" "waiting" "standby" "10" "1" "2" "3" "4" "5" "6" "7" "8"]`,
			"SELECT 2"}},
		{"PGPOOL SHOW Port", []string{"columns port", `["9999"]`, "SELECT 1"}},
		{"PGPOOL SHOW load_balance_mode", []string{"columns load_balance_mode", `["on"]`, "SELECT 1"}},
		{"PGPOOL SHOW sr_check_password", []string{"columns sr_check_password", `["*****"]`, "SELECT 1"}},
	} {
		if got := read(t, e.Query(context.Background(), c.sql)); !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", c.sql, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
		}
	}
}

func TestStatusAndAll(t *testing.T) {
	e := New(newFixed(t))
	for _, sql := range []string{"SHOW pool_status", "PGPOOL SHOW ALL", "PGPOOL SHOW backend"} {
		got := read(t, e.Query(context.Background(), sql))
		text := strings.Join(got, "\n")
		if got[0] != "columns item value description" || got[len(got)-1] != fmt.Sprintf("SELECT %d", len(got)-2) {
			t.Errorf("%s: %s", sql, text)
		}
		if !strings.Contains(text, `["backend_hostname2" "db2" `) || strings.Contains(text, "hidden") {
			t.Errorf("%s: %s", sql, text)
		}
	}
	text := strings.Join(read(t, e.Query(context.Background(), "SHOW pool_status")), "\n")
	first, second := strings.Index(text, `["backend_data_directory2" `), strings.Index(text, `["backend_status2" "waiting" `)
	if first < 0 || second < first || !strings.Contains(text, `["standby_delay2" "4096" `) || !strings.Contains(text, `["load_balance_mode" "1" `) {
		t.Errorf("SHOW pool_status lacks what is true now: %s", text)
	}
}

func TestSetIsTheSessionsOwn(t *testing.T) {
	w := newFixed(t)
	e, other := New(w), New(w)
	steps := []struct{ sql, want string }{
		{"PGPOOL SHOW client_idle_limit", `["0"]`},
		{"PGPOOL SET client_idle_limit = 'soon'", "ERROR 22023"},
		{"PGPOOL SET client_idle_limit TO 5min", "SET"},
		{"PGPOOL SHOW client_idle_limit", `["5min"]`},
		{"PGPOOL SET log_statement = on", "SET"},
		{"PGPOOL SHOW log_statement", `["on"]`},
	}
	for _, s := range steps {
		if got := strings.Join(read(t, e.Query(context.Background(), s.sql)), " "); !strings.Contains(got, s.want) {
			t.Fatalf("%s: %s, want %s", s.sql, got, s.want)
		}
	}
	if d, ok := e.Duration("client_idle_limit"); !ok || d != 5*time.Minute {
		t.Errorf("client_idle_limit is %v, %t", d, ok)
	}
	if on, ok := e.Bool("log_statement"); !ok || !on || !e.Settings().Bool("log_statement") {
		t.Errorf("log_statement is %t, %t", on, ok)
	}
	if _, ok := other.Duration("client_idle_limit"); ok || w.c.Bool("log_statement") {
		t.Error("a session's setting became another's")
	}

	// After a reload of the router the rest is new, and the session's own stays.
	w.c = w.c.Clone()
	if err := w.c.Set("port", "7777"); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]string{"PGPOOL SHOW port": `["7777"]`, "PGPOOL SHOW client_idle_limit": `["5min"]`} {
		if got := read(t, e.Query(context.Background(), sql)); got[1] != want {
			t.Errorf("%s after a reload: %q", sql, got)
		}
	}
	if got := read(t, e.Query(context.Background(), "PGPOOL RESET client_idle_limit")); !slices.Equal(got, []string{"SET"}) {
		t.Errorf("RESET: %q", got)
	}
	if _, ok := e.Duration("client_idle_limit"); ok {
		t.Error("RESET left the value")
	}
	e.Query(context.Background(), "PGPOOL RESET ALL")
	if _, ok := e.Bool("log_statement"); ok {
		t.Error("RESET ALL left a value")
	}
}
