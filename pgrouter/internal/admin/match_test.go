package admin

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		sql  string
		want bool
	}{
		{"", false},
		{"SHOW", false},
		{"SHOW pool_", false},
		{"SHOW pool_xyz", false},
		{"SHOW pool_nodesx", false},
		{"SHOW pool_nodes_", false},
		{"SHOWpool_nodes", false},
		{"SHOW work_mem", false},
		{"SHOW pool_nodes, pool_status", false},
		{"SHOW pool_nodes; SELECT 1", false},
		{"SELECT 'SHOW pool_nodes'", false},
		{"-- SHOW pool_nodes", false},
		{"/* SHOW pool_nodes", false},
		{"/* /* */ SHOW pool_nodes", false},
		{"SHOW POOL_NODES -- to\n; SELECT 1", false},
		{"PGPOOLER SHOW x", false},
		{"pgpool2 show x", false},

		{"SHOW pool_nodes", true},
		{"show POOL_Status;", true},
		{"SHOW\n\tpool_processes ;; ", true},
		{"/* a /* b */ */ SHOW -- c\n pool_pools", true},
		{"SHOW pool_version--", true},
		{"SHOW pool_health_check_stats", true},
		{"SHOW pool_backend_stats/**/", true},
		{"SHOW pool_cache", true},
		{"PGPOOL SHOW port", true},
		{" pgpool\nSET x = 1", true},
		{"PGPOOL", true},
		{"PGPOOL nonsense", true},
	} {
		if got := Match([]byte(c.sql)); got != c.want {
			t.Errorf("Match(%q) is %t", c.sql, got)
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	texts := [][]byte{[]byte("SELECT 1"), []byte("SHOW pool_nodes"), []byte("SHOW work_mem"), []byte("PGPOOL SHOW ALL"), []byte("/* x */ UPDATE t SET a = 1")}
	if n := testing.AllocsPerRun(100, func() {
		for _, s := range texts {
			Match(s)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestParse(t *testing.T) {
	bad := []struct{ sql, near string }{
		{"PGPOOL", "end of input"},
		{"PGPOOL SHOW", "end of input"},
		{"PGPOOL SHOW port port", `"port"`},
		{"PGPOOL SHOW 'port'", `"port"`},
		{"PGPOOL SHOW 1", `"1"`},
		{"PGPOOL SET port", "end of input"},
		{"PGPOOL SET port =", "end of input"},
		{"PGPOOL SET port = ;", `";"`},
		{"PGPOOL SET port IS 1", `"IS"`},
		{"PGPOOL SET port = 'x", `"'"`},
		{"PGPOOL SET port = 1 2", `"2"`},
		{"PGPOOL RESET", "end of input"},
		{"PGPOOL RESET a; SELECT 1", `"SELECT"`},
		{"PGPOOL DROP x", `"DROP"`},
	}
	for _, c := range bad {
		_, err := parse(c.sql)
		if err == nil || !strings.Contains(err.Error(), c.near) || asProblem(err).code != "42601" {
			t.Errorf("parse(%q): %v, which does not name %s", c.sql, err, c.near)
		}
	}
	good := map[string]statement{
		"show Pool_Nodes;":                       {show, "pool_nodes", ""},
		"PGPOOL SHOW Port":                       {showOne, "port", ""},
		"pgpool show all ;;":                     {showMany, "all", ""},
		"PGPOOL SET client_idle_limit = 5min":    {set, "client_idle_limit", "5min"},
		"PGPOOL SET client_idle_limit=5":         {set, "client_idle_limit", "5"},
		"PGPOOL SET a TO 'it''s; a = b' /* x */": {set, "a", "it's; a = b"},
		"PGPOOL SET a TO ''":                     {set, "a", ""},
		"PGPOOL SET a = 'default'":               {set, "a", "default"},
		"PGPOOL SET a TO DEFAULT":                {reset, "a", "DEFAULT"},
		"PGPOOL RESET a":                         {reset, "a", ""},
		"PGPOOL RESET ALL":                       {resetAll, "all", ""},
		"  -- nothing":                           {verb: emptyText},
	}
	for sql, want := range good {
		if got, err := parse(sql); err != nil || got != want {
			t.Errorf("parse(%q) is %+v, %v; want %+v", sql, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "SHOW pool_nodes", "PGPOOL SET a = 'b'", "PGPOOL SHOW all; --", "/*/**/", "PGPOOL SET a = '"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		matched := Match([]byte(sql))
		st, err := parse(sql)
		if err == nil && st.verb != emptyText && !matched {
			t.Errorf("parse takes %q, which Match leaves to the server", sql)
		}
		if err != nil && asProblem(err).code == "" {
			t.Errorf("error without a code: %v", err)
		}
	})
}
