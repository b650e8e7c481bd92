package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("/etc/crew/f.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A cluster's file as it is taken over from Pgpool-II.
func TestCluster(t *testing.T) {
	c, err := Load("testdata/cluster.conf")
	if err != nil {
		t.Fatal(err)
	}
	server := func(id int, host, name string) Backend {
		return Backend{ID: id, Host: host, Port: 5432, Weight: 0.5, DataDirectory: "/var/lib/postgresql/14/main", Flags: Flag{AllowToFailover: true}, ApplicationName: name}
	}
	want := []Backend{server(0, "db1.example", "server1"), server(1, "db2.example", "server2")}
	if got := c.Backends(); !reflect.DeepEqual(got, want) {
		t.Errorf("backends %+v, want %+v", got, want)
	}
	if w := c.Warnings(); len(w) != 1 || !strings.Contains(w[0].Text, "logging_collector = on") || w[0].Line == 0 {
		t.Errorf("warnings %v, want logging_collector with its line", w)
	}
	if got := c.DurationAt("health_check_period", 1); got != 5*time.Second {
		t.Errorf("health_check_period for node 1 is %v, want 5s", got)
	}
	if got := c.String("delegate_ip"); got != "192.0.2.10" {
		t.Errorf("delegate_ip is %q", got)
	}
	if got := c.Beside("pool_passwd"); got != "testdata/pool_passwd" {
		t.Errorf("pool_passwd is at %q", got)
	}
}

func TestBackends(t *testing.T) {
	c := mustParse(t, `
backend_hostname3 = 'c'
backend_port3 = 1
backend_weight3 = 3
backend_port1 = 2
backend_weight1 = 1
backend_flag1 = 'DISALLOW_TO_FAILOVER | always_primary'
backend_hostname2 = 'no port'
`)
	want := []Backend{
		{ID: 1, Host: "/var/run/postgresql", Port: 2, Weight: 0.25, Flags: Flag{AlwaysPrimary: true}},
		{ID: 3, Host: "c", Port: 1, Weight: 0.75, Flags: Flag{AllowToFailover: true}},
	}
	if got := c.Backends(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if w := c.Warnings(); len(w) != 1 || w[0].Line != 8 || !strings.Contains(w[0].Hint, "backend_port2") {
		t.Errorf("warnings %v, want one about backend_port2 on line 8", w)
	}

	none := mustParse(t, "backend_port0 = 1\nbackend_weight0 = 0").Backends()
	if len(none) != 1 || none[0].Weight != 0 {
		t.Errorf("with no weight at all: %+v, want weight 0", none)
	}
}

func TestWarnings(t *testing.T) {
	c := mustParse(t, `backend_clustering_mode = native_replication
log_destination = 'stderr,syslog'
log_line_prefix = '%m: %a pid %p: '
serialize_accept = off
logdir = '/var/log'
wd_lifecheck_password = 'hush'
relcache_size = 1
`)
	want := []string{
		"f.conf:1: backend_clustering_mode = native_replication has no effect as it stands (treated as streaming_replication",
		"f.conf:2: log_destination = stderr,syslog has no effect as it stands (log lines go to standard error",
		"f.conf:5: logdir is an older name (it is now called work_dir)",
		"f.conf:5: work_dir = /var/log has no effect as it stands (the state of the servers is observed",
		"f.conf:7: relcache_size = 1 has no effect as it stands (what matters of a catalog is held whole)",
	}
	got := c.Warnings()
	if len(got) != len(want) {
		t.Fatalf("got %v, want %d warnings", got, len(want))
	}
	for i := range want {
		if !strings.Contains(got[i].String(), want[i]) {
			t.Errorf("got %s, want %s", got[i], want[i])
		}
	}
}

func TestPerNode(t *testing.T) {
	c := mustParse(t, "health_check_period = 7\nhealth_check_period1 = 0\nhealth_check_user1 = 'u'")
	for node, want := range []time.Duration{7 * time.Second, 0, 7 * time.Second} {
		if got := c.DurationAt("health_check_period", node); got != want {
			t.Errorf("node %d: %v, want %v", node, got, want)
		}
	}
	if got := c.StringAt("health_check_database", 1); got != "postgres" {
		t.Errorf("the default is %q, want postgres", got)
	}
	if !c.IsSetAt("health_check_period", 4) || c.IsSet("health_check_user") || !c.IsSetAt("health_check_user", 1) {
		t.Error("IsSet does not tell what is set")
	}
}

func TestLists(t *testing.T) {
	c := mustParse(t, `listen_addresses = ' a, ,b '
write_function_list = 'next.*,a\,b'
primary_routing_query_pattern_list = 'select 1; select \; 2;'
app_name_redirect_preference_list = 'psql:primary(0.3), my app.*:standby , x:1'
backend_port1 = 1
`)
	for name, want := range map[string][]string{
		"listen_addresses":                   {"a", "b"},
		"write_function_list":                {"next.*", "a,b"},
		"primary_routing_query_pattern_list": {"select 1", "select ; 2"},
		"reset_query_list":                   {"ABORT", "DISCARD ALL"},
		"read_only_function_list":            nil,
	} {
		if got := c.List(name); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	want := []Redirect{{"psql", "primary", 0.3}, {"my app.*", "standby", 1}, {"x", "1", 1}}
	if got := c.Redirects("app_name_redirect_preference_list"); !slices.Equal(got, want) {
		t.Errorf("redirects %v, want %v", got, want)
	}
}

func TestSetCloneReset(t *testing.T) {
	c := mustParse(t, "client_idle_limit = 5")
	mine := c.Clone()
	if err := mine.Set("Client_Idle_Limit", "7"); err != nil {
		t.Fatal(err)
	}
	if err := mine.Set("client_idle_limit", "soon"); err == nil || strings.HasPrefix(err.Error(), ":") {
		t.Errorf("got %v, want an error without a file", err)
	}
	if a, b := c.Duration("client_idle_limit"), mine.Duration("client_idle_limit"); a != 5*time.Second || b != 7*time.Second {
		t.Errorf("after Set in the clone: %v and %v, want 5s and 7s", a, b)
	}
	if err := mine.Reset("client_idle_limit", c); err != nil || mine.Duration("client_idle_limit") != 5*time.Second {
		t.Errorf("after Reset: %v, %v", mine.Duration("client_idle_limit"), err)
	}
	if err := mine.Reset("no_such_thing", c); err == nil {
		t.Error("Reset of an unknown name is no error")
	}
}

func TestEnvironment(t *testing.T) {
	c := mustParse(t, "port = 1\nmax_pool = 2")
	err := c.Environment("PGROUTER", []string{"PGROUTER_PORT=7", "PGROUTER_LOG_FORMAT=json", "PORT=8", "PGROUTER_BACKEND_PORT0=9", "PGROUTERX=1", "PGROUTER_"})
	if err != nil || c.Int("port") != 7 || c.IntAt("backend_port", 0) != 9 {
		t.Errorf("port %d, backend_port0 %d, %v", c.Int("port"), c.IntAt("backend_port", 0), err)
	}
	err = c.Environment("PGROUTER", []string{"PGROUTER_PORT=x", "PGROUTER_SSL=x"})
	want := "variable PGROUTER_PORT: port: \"x\" is not allowed (write a whole number from 1 to 65535)\nvariable PGROUTER_SSL: ssl: \"x\" is not allowed (write on or off)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What the file and the variables say only together is looked at too, and nothing is said twice.
func TestEnvironmentWithTheFile(t *testing.T) {
	c := mustParse(t, "num_init_children = 4")
	err := c.Environment("PGROUTER", []string{"PGROUTER_RESERVED_CONNECTIONS=4", "PGROUTER_LOGGING_COLLECTOR=on"})
	want := "reserved_connections = 4 leaves no place for clients (it must be less than num_init_children, which is 4)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if w := c.Warnings(); len(w) != 1 || !strings.HasPrefix(w[0].String(), "logging_collector = on has no effect") {
		t.Errorf("warnings %v, want one about logging_collector", w)
	}
	c, err = Parse("f", []byte("num_init_children = 4\nreserved_connections = 4"))
	if err == nil || c.Environment("PGROUTER", nil) != nil {
		t.Errorf("the file's problem is %v, and is told again", err)
	}
}

func TestUnsure(t *testing.T) {
	for _, c := range []struct {
		text, prefix string
		want         bool
	}{
		{"backend_port0 = x", "backend_", true},
		{"backend_port0 = x", "port", false},
		{"backend_prt0 = 1", "backend_port", true},
		{"prot = 1", "backend_", false},
		{"enable_pool_hba = 'on", "enable_pool_hba", true},
		{"SSL = perhaps", "ssl", true},
		{"SSL = perhaps", "ssl_key", false},
		{"ssl_key = \"key\"", "ssl", true},
		{"socket_dir = /tmp", "unix_socket_directories", true},
		{"include 'nothing'", "backend_port", true},
		{"zzzzzzzzzz = 1\n? = 1", "", false},
		{"num_init_children = 4\nmax_pool = x", "num_init_children", false},
	} {
		got, err := Parse("/nowhere/f", []byte(c.text))
		if err == nil || got.Unsure(c.prefix) != c.want {
			t.Errorf("%q: %s is unsure: %t, want %t (%v)", c.text, c.prefix, !c.want, c.want, err)
		}
	}
	c := mustParse(t, "port = 1")
	if c.Environment("PGROUTER", []string{"PGROUTER_SSL=x"}); !c.Unsure("ssl") || c.Unsure("port") {
		t.Error("a variable that is not understood leaves no doubt")
	}
}

func TestProblem(t *testing.T) {
	c := mustParse(t, "\nport = 1\nconnect_timeout = 1\nconnect_timeout2 = 1")
	for name, want := range map[string]string{
		"port": "/etc/crew/f.conf:2: bad (mend it)", "ssl": "/etc/crew/f.conf: bad (mend it)",
		"connect_timeout1": "/etc/crew/f.conf:3: bad (mend it)", "connect_timeout2": "/etc/crew/f.conf:4: bad (mend it)",
	} {
		if got := c.Problem(name, "bad", "mend it").String(); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestRestart(t *testing.T) {
	old := mustParse(t, "port = 1\nbackend_port0 = 1\nbackend_hostname0 = 'a'\nhealth_check_period = 1\nserialize_accept = off")
	tools := Router | Watch
	if got := Restart(tools, old, old); got != nil {
		t.Errorf("nothing changed, got %v", got)
	}
	changed := mustParse(t, "port = 2\nbackend_port0 = 1\nbackend_hostname0 = 'b'\nbackend_port1 = 5\nbackend_hostname1 = 'new'\nhealth_check_period = 2\nserialize_accept = on\nhostname0 = 'x'")
	if got, want := Restart(tools, old, changed), []string{"port", "backend_hostname0", "hostname0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// Each tool has its own.
	if got, want := Restart(Router, old, changed), []string{"port", "backend_hostname0"}; !slices.Equal(got, want) {
		t.Errorf("of pgrouter: got %v, want %v", got, want)
	}
	// Neither does one that goes.
	if got, want := Restart(tools, changed, old), []string{"port", "backend_hostname0", "hostname0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestKeepServers(t *testing.T) {
	old := mustParse(t, "backend_port0 = 1\nbackend_hostname0 = 'a'\nbackend_port1 = 2\nbackend_hostname2 = 'no port'\nbackend_port3 = 3")
	c := mustParse(t, "backend_port0 = 11\nbackend_hostname0 = 'aa'\nbackend_weight0 = 5\nbackend_port1 = 12\nbackend_hostname1 = 'b'\nbackend_port2 = 13\nbackend_hostname2 = 'c'\nbackend_hostname3 = 'gone'")
	c.KeepServers(old)
	var got []string
	for _, b := range c.Backends() {
		got = append(got, b.String())
	}
	if want := []string{"0 (a:1)", "1 (" + defaultSocketFolder + ":2)", "2 (c:13)"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if c.FloatAt("backend_weight", 0) != 5 {
		t.Error("its weight was kept as well")
	}
}

func TestStatus(t *testing.T) {
	c := mustParse(t, "backend_port1 = 1\nwd_port0 = 9000\nheartbeat_port0 = 9694\nconnect_timeout1 = 5s")
	values := map[string]string{}
	for _, item := range c.Status() {
		if _, twice := values[item.Name]; twice || item.Description == "" {
			t.Errorf("%s stands there twice or has no description", item.Name)
		}
		values[item.Name] = item.Value
	}
	for name, want := range map[string]string{
		"backend_clustering_mode": "1", "load_balance_mode": "1", "ssl": "0", "backend_port1": "1",
		"connect_timeout": "10000", "connect_timeout1": "5000", "hostname0": "", "backend_weight1": "0.000000", "syslog_facility": "LOCAL0",
	} {
		if got, ok := values[name]; !ok || got != want {
			t.Errorf("%s is %q (there: %v), want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"backend_port0", "health_check_user1", "sr_check_password"} {
		if _, ok := values[name]; ok {
			t.Errorf("%s is shown", name)
		}
	}
	for group, want := range map[string]string{"backend": "backend_hostname1", "watchdog": "hostname0", "heartbeat": "heartbeat_hostname0", "HEALTH_CHECK": "health_check_period", "Backend_Port": "backend_port1"} {
		items, ok := c.ShowGroup(group)
		if !ok || len(items) == 0 || items[0].Name != want {
			t.Errorf("group %s is %v, want %s first", group, items, want)
		}
	}
	if _, ok := c.ShowGroup("port"); ok {
		t.Error("port is a group")
	}
}

func TestLoadFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "crew.conf")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("crew.conf", "include 'more.conf'\n")
	write("more.conf", "port = 7\n")
	c, err := Load(path)
	if err != nil || c.Int("port") != 7 {
		t.Fatalf("got %v, %v", c, err)
	}
	if got, want := c.Beside("pool_hba.conf"), filepath.Join(folder, "pool_hba.conf"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if c.Beside("/x/y") != "/x/y" || c.Beside("") != "" {
		t.Error("an absolute or empty name was changed")
	}

	write("more.conf", strings.Repeat("#", maxBytes+1))
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "this is no configuration") {
		t.Errorf("got %v, want an error about the size", err)
	}
	for _, path := range []string{"", folder, filepath.Join(folder, "none")} {
		if _, err := Load(path); err == nil {
			t.Errorf("Load(%q) is no error", path)
		}
	}
}
