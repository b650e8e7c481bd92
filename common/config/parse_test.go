package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown", "prot = 1", `f:1: unknown parameter "prot" (did you mean port?)`},
		{"unknown, far from all", "zzzzzzzzzzzz = 1", `f:1: unknown parameter "zzzzzzzzzzzz"`},
		{"unknown with a node", "backend_hots1 = 'a'", `f:1: unknown parameter "backend_hots1" (did you mean backend_port1?)`},
		{"swapped letters", "num_init_chidlren = 1", `f:1: unknown parameter "num_init_chidlren" (did you mean num_init_children?)`},
		{"node number too high", "backend_port128 = 1", "f:1: backend_port128 has a node number that is too high (the highest is 127)"},
		{"node number beyond all integers", "backend_port99999999999999999999 = 1", "f:1: backend_port99999999999999999999 has a node number that is too high (the highest is 127)"},
		{"node number missing", "backend_port = 5432", "f:1: backend_port lacks the number of a node (such as backend_port0)"},
		{"node number with zeros", "backend_port01 = 5432", `f:1: unknown parameter "backend_port01" (did you mean backend_port1?)`},
		{"node number where none goes", "port1 = 5432", `f:1: unknown parameter "port1" (did you mean port?)`},
		{"gone in 4.2", "other_wd_port0 = 1", `f:1: unknown parameter "other_wd_port0" (since 4.2 every node is listed: use wd_port0, wd_port1, ... and pgpool_node_id)`},
		{"no value", "port =", "f:1: port has no value (write port = '' for an empty one)"},
		{"only a name", "pool_passwd", "f:1: pool_passwd has no value (write pool_passwd = '' for an empty one)"},
		{"no value but a comment", "port = # 1", "f:1: port has no value (write port = '' for an empty one)"},
		{"only an equals sign", "= 3", `f:1: cannot read "= 3" (a line is: name = value)`},
		{"binary", "\x00\x01", `f:1: cannot read "\x00\x01" (a line is: name = value)`},
		{"open quote", "pool_passwd = 'x", "f:1: pool_passwd: the quote is not closed (a value ends on its own line, with a single quote)"},
		{"quote closed on the next line", "pool_passwd = 'x\n'", "f:1: pool_passwd: the quote is not closed (a value ends on its own line, with a single quote)\n" +
			`f:2: cannot read "'" (a line is: name = value)`},
		{"doubled quote", "pool_passwd = 'it''s'", `f:1: pool_passwd: cannot read "'s'" behind the value (a quote inside quotes needs a backslash before it, which stays in the value)`},
		{"two words", "wd_lifecheck_query = SELECT 1", `f:1: wd_lifecheck_query: cannot read "1" behind the value (put the whole value between single quotes)`},
		{"bare path", "work_dir = /tmp", `f:1: work_dir: cannot read "/tmp" (put the value between single quotes)`},
		{"bare unit apart", "health_check_period = 1 h", `f:1: health_check_period: cannot read "h" behind the value (put the whole value between single quotes)`},
		{"no boolean", "ssl = maybe", `f:1: ssl: "maybe" is not allowed (write on or off)`},
		{"ambiguous boolean", "ssl = o", `f:1: ssl: "o" is not allowed (write on or off)`},
		{"empty boolean", "ssl = ''", `f:1: ssl: "" is not allowed (write on or off)`},
		{"no number", "port = many", `f:1: port: "many" is not allowed (write a whole number from 1 to 65535)`},
		{"fraction", "port = 5432.5", `f:1: port: "5432.5" is not allowed (write a whole number from 1 to 65535)`},
		{"sign only", "port = -", `f:1: port: cannot read "-" (put the value between single quotes)`},
		{"hexadecimal without digits", "port = 0x", `f:1: port: "0x" is not allowed (write a whole number from 1 to 65535)`},
		{"out of range", "port = 65536", `f:1: port: "65536" is not allowed (write a whole number from 1 to 65535)`},
		{"out of all ranges", "port = 99999999999999999999", `f:1: port: "99999999999999999999" is not allowed (write a whole number from 1 to 65535)`},
		{"negative", "num_init_children = -1", `f:1: num_init_children: "-1" is not allowed (write a whole number from 1 to 2147483647)`},
		{"unit on a plain number", "port = 5432kB", `f:1: port: "5432kB" is not allowed (write a whole number from 1 to 65535)`},
		{"wrong unit", "health_check_period = 5kB", `f:1: health_check_period: "5kB" is not allowed (write a whole number from 0 to 2147483647 s, with one of the units d, h, min, s, ms)`},
		{"unit in the wrong case", "memqcache_maxcache = 400KB", `f:1: memqcache_maxcache: "400KB" is not allowed (write a whole number from 0 to 2147483647 B, with one of the units TB, GB, MB, kB, B)`},
		{"time beyond range", "health_check_period = 99999999999d", `f:1: health_check_period: "99999999999d" is not allowed (write a whole number from 0 to 2147483647 s)`},
		{"bad per node", "health_check_period1 = x", `f:1: health_check_period1: "x" is not allowed (write a whole number from 0 to 2147483647 s)`},
		{"octal by mistake", "max_pool = 010", `f:1: max_pool: "010" begins with 0 (Pgpool-II takes it for octal: write it without the 0)`},
		{"octal that is none", "max_pool = 08", `f:1: max_pool: "08" begins with 0 (Pgpool-II takes it for octal: write it without the 0)`},
		{"mode without its zero", "unix_socket_permissions = 777", `f:1: unix_socket_permissions: "777" is not allowed (write a file mode with a leading 0, such as 0777)`},
		{"mode of decimal digits", "unix_socket_permissions = 0888", `f:1: unix_socket_permissions: "0888" is not allowed (write a file mode from 0 to 0777)`},
		{"no real number", "backend_weight0 = 'NaN'", `f:1: backend_weight0: "NaN" is not allowed (write a number from 0 to 100000000)`},
		{"negative weight", "backend_weight0 = -0.5", `f:1: backend_weight0: "-0.5" is not allowed (write a number from 0 to 100000000)`},
		{"no such word", "check_temp_table = sometimes", `f:1: check_temp_table: "sometimes" is not allowed (write one of catalog, trace, none, on, off)`},
		{"not there yet", "pool_mode = transaction", "f:1: pool_mode = transaction (it is not there yet: use pool_mode = session)"},
		{"pool mode, wrong word", "pool_mode = statement", `f:1: pool_mode: "statement" is not allowed (write one of session)`},
		{"no such flag", "backend_flag0 = 'ALLOW_TO_FAILOVER|MAYBE'", `f:1: backend_flag0: "MAYBE" is not allowed (write some of ALLOW_TO_FAILOVER|DISALLOW_TO_FAILOVER|ALWAYS_PRIMARY)`},
		{"flags that contradict", "backend_flag0 = 'ALLOW_TO_FAILOVER|DISALLOW_TO_FAILOVER'", `f:1: backend_flag0: "ALLOW_TO_FAILOVER|DISALLOW_TO_FAILOVER" says both (choose ALLOW_TO_FAILOVER or DISALLOW_TO_FAILOVER)`},
		{"no regular expression", "write_function_list = 'a(,b'", "f:1: write_function_list: \"a(\" is no regular expression (error parsing regexp: missing closing ): `a(`)"},
		{"redirect to nowhere", "database_redirect_preference_list = 'db:elsewhere'", `f:1: database_redirect_preference_list: "db:elsewhere" is not allowed (write pattern:node(weight), where node is primary, standby or a number and the optional weight is from 0 to 1)`},
		{"redirect with a weight above one", "database_redirect_preference_list = 'db:1(2)'", `f:1: database_redirect_preference_list: "db:1(2)" is not allowed (write pattern:node(weight), where node is primary, standby or a number and the optional weight is from 0 to 1)`},
		{"secret is not repeated", "sr_check_password = hush!", `f:1: sr_check_password: cannot read what stands behind the value (put the whole value between single quotes)`},
		{"all at once", "prt = 1\nssl = 7\nport = 9998\nport = x", "f:1: unknown parameter \"prt\" (did you mean port?)\n" +
			"f:2: ssl: \"7\" is not allowed (write on or off)\n" +
			"f:4: port: \"x\" is not allowed (write a whole number from 1 to 65535)"},
		{"no place left", "num_init_children = 4\nreserved_connections = 4", "f:2: reserved_connections = 4 leaves no place for clients (it must be less than num_init_children, which is 4)"},
		{"two that are always primary", "backend_port0=1\nbackend_port1=1\nbackend_flag0=ALWAYS_PRIMARY\nbackend_flag1=ALWAYS_PRIMARY", "f: backend_flag0 and backend_flag1 both say ALWAYS_PRIMARY (only one server can be the primary)"},
		{"include without a file", "include ''", "f:1: include names no file (write include 'file')"},
		{"include of nothing", "include 'nowhere.conf'", "f:1: include: open nowhere.conf: file does not exist (create it or remove the line)"},
		{"include of itself", "include 'f'", "f:1: f includes itself (remove one of the include lines: f)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parse("f", files{"f": c.text}.open, files{}.open)
			var problems Problems
			if !errors.As(err, &problems) || got == nil {
				t.Fatalf("%q gave %v, %v; want problems, and what could be read", c.text, got, err)
			}
			if err.Error() != c.want {
				t.Errorf("%q\ngave %s\nwant %s", c.text, err, c.want)
			}
		})
	}
}

// files stands for a folder.
type files map[string]string

func (f files) open(path string) ([]byte, error) {
	if text, ok := f[path]; ok {
		return []byte(text), nil
	}
	return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
}

func TestIncludes(t *testing.T) {
	deep := files{}
	for i := range 12 {
		deep[fmt.Sprint("/d/", i)] = fmt.Sprintf("include '%d'", i+1)
	}
	wide := files{"/d/0": strings.Repeat("include '1'\n", 300), "/d/1": "port = 1"}
	for _, c := range []struct {
		name string
		in   files
		path string
		want string // the beginning of the error
	}{
		{"too deep", deep, "/d/0", "/d/10:1: include /d/11: more than 10 files deep"},
		{"too many", wide, "/d/0", "/d/0:256: include /d/1: more than 256 files"},
		{"in a circle", files{"a": "include 'b'", "b": "include './a'"}, "a", "b:1: a includes itself (remove one of the include lines: a > b)"},
		{"too long", files{"/e/a": "include 'b'\ninclude 'b'", "/e/b": strings.Repeat("#", maxBytes*2/3)}, "/e/a", "/e/a:2: include /e/b: more than 4194304 bytes in all"},
		{"error in an included file", files{"/e/a": "\ninclude 's/b'", "/e/s/b": "#\nprot=1"}, "/e/a", `/e/s/b:2: unknown parameter "prot"`},
		{"no main file", files{}, "/e/a", "open /e/a: file does not exist (name a configuration file that can be read)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parse(c.path, nil, c.in.open)
			if _, there := c.in[c.path]; there != (got != nil) {
				t.Errorf("got the configuration %v", got)
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}

	_, err := parse("/e/a", nil, files{"/e/a": strings.Repeat("?\n", 1e6)}.open)
	if n := len(err.(Problems)); n != maxFound+1 {
		t.Errorf("endless nonsense gives %d problems, want %d", n, maxFound+1)
	}

	// Included settings stand where the include stands: a later line wins, on either side.
	c, err := parse("/e/main", nil, files{
		"/e/main":   "port = 1\nmax_pool = 1\ninclude = 's/more'\nport = 3\n",
		"/e/s/more": "port = 2\nmax_pool = 2\nINCLUDE 'most'\n",
		"/e/s/most": "num_loops = 7",
	}.open)
	if err != nil || c.Int("port") != 3 || c.Int("max_pool") != 2 || c.Int("num_loops") != 7 {
		t.Errorf("got %v, %v", c, err)
	}
}

// written is what Show and one getter give for a line.
func TestGoodLines(t *testing.T) {
	for _, c := range []struct{ line, name, show, status string }{
		{"port = 5000", "port", "5000", "5000"},
		{"port=5000", "port", "5000", "5000"},
		{"  PORT\t5000 # comment", "port", "5000", "5000"},
		{"port = '5000'\r", "port", "5000", "5000"},
		{"port = +5000", "port", "5000", "5000"},
		{"port = 0x1388", "port", "5000", "5000"},
		{"port = 1\nport = 2", "port", "2", "2"},
		{"\ufeffport = 2", "port", "2", "2"},
		{"# only a comment\n\n \t\r\nport = 2", "port", "2", "2"},
		{"ssl = on", "ssl", "on", "1"},
		{"ssl = TRUE", "ssl", "on", "1"},
		{"ssl = t", "ssl", "on", "1"},
		{"ssl = ye", "ssl", "on", "1"},
		{"ssl = 1", "ssl", "on", "1"},
		{"ssl = '1'", "ssl", "on", "1"},
		{"load_balance_mode = of", "load_balance_mode", "off", "0"},
		{"load_balance_mode = Fal", "load_balance_mode", "off", "0"},
		{"load_balance_mode = n", "load_balance_mode", "off", "0"},
		{"load_balance_mode = 0", "load_balance_mode", "off", "0"},
		{"health_check_period = 90", "health_check_period", "90", "90"},
		{"health_check_period = 5min", "health_check_period", "300", "300"},
		{"health_check_period = '1 h'", "health_check_period", "3600", "3600"},
		{"health_check_period = 500ms", "health_check_period", "500ms", "500ms"},
		{"health_check_period = 0", "health_check_period", "0", "0"},
		{"client_idle_limit_in_recovery = -1", "client_idle_limit_in_recovery", "-1", "-1"},
		{"connect_timeout = 1500", "connect_timeout", "1500", "1500"},
		{"connect_timeout1 = 2s", "connect_timeout1", "2000", "2000"},
		{"connect_timeout = 2s", "connect_timeout5", "2000", ""},
		{"child_life_time = 90", "child_life_time", "90s", "90"},
		{"child_life_time = '120 s'", "child_life_time", "2min", "120"},
		{"child_life_time = 00", "child_life_time", "0", "0"},
		{"backend_port0 = 1\nbackend_weight0 = 3.50", "backend_weight0", "3.5", "1.000000"},
		{"log_rotation_age = 1d", "log_rotation_age", "1d", "1440"},
		{"log_rotation_size = 10MB", "log_rotation_size", "10MB", "10240"},
		{"memqcache_total_size = 2GB", "memqcache_total_size", "2GB", "2147483648"},
		{"memqcache_maxcache = 1000", "memqcache_maxcache", "1000B", "1000"},
		{"unix_socket_permissions = 0700", "unix_socket_permissions", "0700", "0700"},
		{"track_table_mutation_ttl_factor = 1.5e1", "track_table_mutation_ttl_factor", "15", "15"},
		{"backend_clustering_mode = Streaming_Replication", "backend_clustering_mode", "streaming_replication", "1"},
		{"backend_clustering_mode = 'raw'", "backend_clustering_mode", "raw", "5"},
		{"log_min_messages = debug1", "log_min_messages", "debug1", "14"},
		{"pool_passwd = ''", "pool_passwd", "", ""},
		{"pool_passwd = 'a#b\\c'", "pool_passwd", `a#b\c`, `a#b\c`},
		{"pool_passwd = a.b:c/d-e", "pool_passwd", "a.b:c/d-e", "a.b:c/d-e"},
		{`pool_passwd = 'a\'b' # it`, "pool_passwd", `a\'b`, `a\'b`},
		{`pool_passwd = 'C:\' # it`, "pool_passwd", `C:\`, `C:\`},
		{`pool_passwd = 'a\' # it'`, "pool_passwd", `a\' # it`, ""},
		{"pool_passwd = # none", "pool_passwd", "", ""},
		{"backend_port0 = 1\nbackend_flag0 = ''", "backend_flag0", "", ""},
		{"syslog_ident = 12ab", "syslog_ident", "12ab", "12ab"},
		{"wd_authkey = 'hush'", "wd_authkey", "*****", "*****"},
		{"delegate_IP = '192.0.2.1'", "delegate_ip", "192.0.2.1", "192.0.2.1"},
		{"socket_dir = '/s'", "unix_socket_directories", "/s", "/s"},
		{"fail_over_on_backend_error = off", "failover_on_backend_error", "off", "0"},
		{"black_function_list = 'nextval,setval'", "write_function_list", "nextval,setval", "nextval,setval"},
	} {
		t.Run(c.line, func(t *testing.T) {
			got, err := Parse("f", []byte(c.line))
			if err != nil {
				t.Fatal(err)
			}
			if show, ok := got.Show(c.name); !ok || show != c.show {
				t.Errorf("shown as %q, want %q", show, c.show)
			}
			if c.status == "" {
				return
			}
			i := slices.IndexFunc(got.Status(), func(i Item) bool { return i.Name == c.name })
			if i >= 0 && got.Status()[i].Value != c.status {
				t.Errorf("status %q, want %q", got.Status()[i].Value, c.status)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	cluster, err := os.ReadFile("testdata/cluster.conf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(cluster))
	f.Add("port = 0x\ninclude 'f'\ninclude 'g'\n")
	f.Add("backend_weight0=1e\nbackend_port0 = 127\nhealth_check_period1 = '3 min'")
	f.Add("a'b'''=\r\n\x00")
	f.Add("app_name_redirect_preference_list='a\\,b:1(0.5),c:primary'")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse("f", files{"f": text}.open, files{"g": text}.open)
		if err != nil {
			for _, p := range err.(Problems) {
				if p.Text == "" {
					t.Errorf("a problem without a text in %q", err)
				}
			}
			return
		}
		c.Backends()
		c.Warnings()
		// What is shown can be written, and means the same.
		again := Default()
		for _, item := range c.ShowAll() {
			p, node, _ := Lookup(item.Name)
			v := c.get(p.Name, node)
			if p.Secret || !v.set {
				continue
			}
			if err := again.Set(item.Name, item.Value); err != nil {
				t.Fatalf("%s = %s: %v", item.Name, item.Value, err)
			}
			if w := again.get(p.Name, node); !sameValue(v, w) {
				t.Fatalf("%s = %q became %+v, was %+v", item.Name, item.Value, w, v)
			}
		}
	})
}
