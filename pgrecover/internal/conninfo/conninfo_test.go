package conninfo

import (
	"slices"
	"strings"
	"testing"
)

func TestTo(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"the lab's":        {"host=db1 port=5432 user=repl application_name=db2 passfile='/var/lib/postgresql/.pgpass'", "host=db9 port=6432 user=repl application_name=db2 passfile=/var/lib/postgresql/.pgpass"},
		"nothing":          {"", "host=db9 port=6432"},
		"spaces around =":  {" user = repl\thost =db1 ", "user=repl host=db9 port=6432"},
		"quotes":           {`user='re pl' password='it\'s \\' host=''`, `user='re pl' password='it\'s \\' host=db9 port=6432`},
		"escaped":          {`password=a\ b\'c host=x`, `password='a b\'c' host=db9 port=6432`},
		"several hosts":    {"host=a,b port=1,2 target_session_attrs=read-write user=u", "host=db9 port=6432 user=u"},
		"hostaddr":         {"hostaddr=192.0.2.1 host=db1 sslmode=verify-full", "host=db9 sslmode=verify-full port=6432"},
		"host twice":       {"host=a user=u host=b", "host=db9 user=u port=6432"},
		"empty value":      {"sslcert='' host=a", "sslcert='' host=db9 port=6432"},
		"URI":              {"postgresql://re%20pl:s%40c@db1:5432,[::1]:5/post%2Fgres?sslmode=require&application_name=x", "user='re pl' password=s@c host=db9 port=6432 dbname=post/gres sslmode=require application_name=x"},
		"URI without host": {"postgres:///?ssl=true&host=/tmp", "sslmode=require host=db9 port=6432"},
	} {
		got, err := Parse(c.in)
		if err != nil || got.To("db9", 6432).String() != c.want {
			t.Errorf("%s: got %s, %v, want %s", name, got.To("db9", 6432), err, c.want)
		}
	}
}

func TestNotParsed(t *testing.T) {
	for in, want := range map[string]string{
		"host":                     "there is no =",
		"host db1":                 "there is no keyword and =",
		"=db1":                     "there is no keyword",
		"password='secret":         "password: its quoted value does not end",
		"host=a\x00b":              "zero byte",
		"postgres://a%zz@h":        "user:",
		"postgres://h?nothing":     "keyword=value",
		"postgres://[::1/x":        "[address]:port",
		"postgres://h/?host=%00db": "zero byte",
	} {
		if c, err := Parse(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", in, c, err)
		}
	}
}

func TestRedacted(t *testing.T) {
	c, _ := Parse("user=u password=secret host=h")
	if got := c.Redacted(); got != "user=u password=*** host=h" || c.Get("password") != "secret" {
		t.Errorf("%s", got)
	}
}

// FuzzTo changes the server of any connection string: everything else stays as it was, and what is written can be read.
func FuzzTo(f *testing.F) {
	for _, s := range []string{"host=a port=1 user=u", `password='a\'b\\' host=''`, `x=\ \`, "postgres://u:p@h:1/d?a=b", "a = 'b' hostaddr=1", "host=a host=b"} {
		f.Add(s, "db9", 5432)
	}
	moved := []string{"host", "port", "hostaddr", "target_session_attrs", "load_balance_hosts"}
	f.Fuzz(func(t *testing.T, s, host string, port int) {
		c, err := Parse(s)
		if err != nil || strings.IndexByte(host, 0) >= 0 {
			return
		}
		again, err := Parse(c.To(host, port).String())
		if err != nil {
			t.Fatalf("%q became %q: %v", s, c.To(host, port), err)
		}
		if !slices.Equal(again.without(moved...), c.without(moved...)) || again.Get("host") != host || again.Get("hostaddr") != "" {
			t.Errorf("%q became %q", s, again)
		}
	})
}
