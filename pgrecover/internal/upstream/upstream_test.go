package upstream

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		command, host string
		want          bool
	}{
		{"scp db1:/var/lib/postgresql/archivedir/%f %p || false", "db1", true},
		{"scp -q postgres@db1:/a/%f %p", "db1", true},
		{"ssh db1 cat /a/%f >%p", "db1", true},
		{"rsync rsync://db1/a/%f %p", "db1", true},
		{"curl --url=http://192.0.2.1:80/%f -o %p", "192.0.2.1", true},
		{"fetch --host=db1", "db1", true},
		{"scp 'db1:/a/%f' %p", "db1", true},
		{"scp [2001:db8::1]:/a/%f %p", "2001:db8::1", true},
		{"scp db10:/a/%f %p; scp db1:/a/%f %p", "db1", true},
		{"cp /archive/db1/%f %p", "db1", false},
		{"scp db10:/a/%f %p", "db1", false},
		{"scp db1.example:/a/%f %p", "db1", false},
		{"scp mydb1:/a/%f %p", "db1", false},
		{"cp /run/x %p", "/run", false},
		{"cp /a/%f %p", "", false},
	} {
		if got := Names(c.command, c.host); got != c.want {
			t.Errorf("%q names %s: %v", c.command, c.host, got)
		}
	}
}

func TestRead(t *testing.T) {
	u, err := Read(strings.NewReader(`{"step":"recruit","ok":true,"detail":{"primary_conninfo":"host=db1","restore_command":"x"}}` + "\n"))
	if err != nil || u != (Upstream{"host=db1", "x"}) {
		t.Errorf("%+v, %v", u, err)
	}
	for _, empty := range []string{"", "\n"} {
		if u, err := Read(strings.NewReader(empty)); err != nil || u != (Upstream{}) {
			t.Errorf("%q: %+v, %v", empty, u, err)
		}
	}
	for text, want := range map[string]string{
		"host=db1":            "invalid character",
		`{"step":"position"}`: `its step is "position"`,
		`{"step":"recruit"`:   "unexpected EOF",
		`{"step":1}`:          "cannot unmarshal",
		`{"step":"recruit","detail":"` + strings.Repeat("x", longest) + `"}`: "unexpected EOF",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v", text, err)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("scp db1:/a/%f %p", "db1")
	f.Fuzz(func(t *testing.T, command, host string) {
		if Names(command, host) && !strings.Contains(command, host) {
			t.Errorf("%q names %q", command, host)
		}
	})
}
