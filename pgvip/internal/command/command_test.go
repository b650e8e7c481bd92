package command

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var ip = netip.MustParseAddr("192.0.2.1")

func TestNew(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tool"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ folder, in, want string }{
		{dir, "tool up $_IP_$/24 $_IP_$", dir + "/tool up 192.0.2.1/24 192.0.2.1"},
		{dir, "sudo tool up $_IP_$", "sudo tool up 192.0.2.1"}, // not in that folder
		{dir, "/bin/tool $_IP_$", "/bin/tool 192.0.2.1"},
		{"", "tool $_IP$", "tool $_IP$"},
	} {
		if got := New("if_up_cmd", c.folder, c.in, ip).Text; got != c.want {
			t.Errorf("%q in %s gives %q, wanted %q", c.in, c.folder, got, c.want)
		}
	}
}

func TestDevice(t *testing.T) {
	for in, want := range map[string]string{
		"/usr/bin/sudo /sbin/ip addr add $_IP_$/24 dev eth0 label eth0:0": "eth0",
		"arping -U $_IP_$ -w 1 -I eth1":                                   "eth1",
		"ip addr add $_IP_$/24 dev":                                       "",
		"/etc/up.sh":                                                      "",
		"":                                                                "",
	} {
		if got := Device(in); got != want {
			t.Errorf("%q has %q, wanted %q", in, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for text, want := range map[string]string{
		"/bin/sh -c x":             "",
		"sh -c x":                  "",
		"/nowhere/ip addr":         "/nowhere/ip",
		"nowhere":                  "nowhere",
		"/etc/passwd x":            "permission denied",
		"":                         "if_up_cmd is empty",
		"/usr/bin/env /nowhere/ip": "",
		"./sudo /bin/sh":           "./sudo",
	} {
		err := Command{Name: "if_up_cmd", Text: text}.Check()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, wanted %q", text, err, want)
		}
	}
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name, text string
		limit      time.Duration
		want       string
	}{
		{"well", "true", time.Minute, ""},
		{"arguments and environment", `test "$1 $X" = "a b"`, time.Minute, ""},
		{"status", "echo no; echo way >&2; exit 3", time.Minute, `if_up_cmd "echo no; echo way >&2; exit 3": exit status 3: no; way`},
		{"not there", "/nowhere/sudo", time.Minute, "exit status 127"},
		{"too long", "sleep 1000", time.Millisecond, "it ran longer than 1ms and was killed"},
		{"a child that stays", "sleep 1000 &", time.Minute, ""},
		{"much output", "yes | head -c 1000000; exit 1", time.Minute, "exit status 1: y; y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Command{Name: "if_up_cmd", Text: c.text, Limit: c.limit, Args: []string{"a"}, Env: []string{"X=b"}}.Run(context.Background())
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, wanted %q", err, c.want)
			}
			if err != nil && len(err.Error()) > 2*longestOutput+200 {
				t.Errorf("%d bytes of error", len(err.Error()))
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := (Command{Name: "if_up_cmd", Text: "true", Limit: time.Minute}).Run(ctx); err == nil {
		t.Error("a cancelled one ran")
	}
}
