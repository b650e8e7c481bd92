package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgvip/internal/nettest"
)

// The lab's commands, without sudo.
const labCommands = `
if_up_cmd = '/sbin/ip addr add $_IP_$/24 dev eth0 label eth0:0'
if_down_cmd = '/sbin/ip addr del $_IP_$/24 dev eth0'
`

// Commands of pgpool.conf are used, their address gets a lifetime, and defective ones are made up for.
func TestCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, settings string
		prefix         int
		label          string
		says           []string
	}{
		{"the lab's", labCommands, 24, "eth0:0", nil},
		{"found by if_cmd_path", strings.ReplaceAll(labCommands, "/sbin/ip", "ip"), 24, "eth0:0", nil},
		{"without sudo", strings.ReplaceAll(labCommands, "/sbin/ip", "/nowhere/sudo /sbin/ip"), 32, "eth0",
			[]string{"command=if_up_cmd", "command=if_down_cmd", "/nowhere/sudo"}},
		{"do nothing", "if_up_cmd = '/bin/true'\nif_down_cmd = '/bin/true'\n", 32, "eth0",
			[]string{"command=if_up_cmd", "the address is not there", "command=if_down_cmd", "the address was still there"}},
		{"removes another", strings.Replace(labCommands, "del $_IP_$/24", "del $_IP_$/25", 1), 24, "eth0:0", []string{"command=if_down_cmd"}},
		{"arping fails", labCommands + "arping_cmd = '/bin/false -U $_IP_$ -w 1 -I eth0'\n", 24, "eth0:0", []string{"command=arping_cmd"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := nettest.New(t)
			a, client := n.Host("a"), n.Host("client")
			client.SetNeighbor(vip4, nobody)
			l := newLeader(t)
			p := startHold(t, a, c.settings)
			l.follow(t, p.in, "a")
			l.grant("a", 1)
			eventually(t, "vip.up", p.wrote(event.TypeVIPUp, 1))
			addr := a.Address(vip4)
			if addr == nil {
				t.Fatal("vip.up was reported without the address")
			}
			if bits, _ := addr.Mask.Size(); bits != c.prefix || addr.Label != c.label || time.Duration(addr.ValidLft)*time.Second > lease {
				t.Errorf("the kernel has %v for %d s, wanted /%d %s with a lifetime", addr, addr.ValidLft, c.prefix, c.label)
			}
			eventually(t, "the client knows a", func() bool { return client.Neighbor(vip4) == a.MAC.String() })
			l.grant("b", 2)
			eventually(t, "vip.down", p.wrote(event.TypeVIPDown, 1))
			if a.Address(vip4) != nil {
				t.Error("it is still there")
			}
			if a.Address(a.IP) == nil {
				t.Error("the host's own address went with it")
			}
			for _, words := range c.says {
				eventually(t, "it says "+words, func() bool { return p.said(words) })
			}
			if c.says == nil && p.said("level=warn") {
				t.Errorf("it said %s", p.words)
			}
		})
	}
}

// A command that hangs is ended when the right to hold the address ends.
func TestCommandHangs(t *testing.T) {
	t.Parallel()
	a := nettest.New(t).Host("a")
	l := newLeader(t)
	dir := t.TempDir()
	p := startHold(t, a, "if_up_cmd = '/bin/sh -c \"touch "+dir+"/began; exec sleep 1000\"'\n")
	l.follow(t, p.in, "a")
	l.grant("a", 1)
	eventually(t, "if_up_cmd begins", func() bool { _, err := os.Stat(filepath.Join(dir, "began")); return err == nil })
	p.in.Close()
	if got := p.end(); got != 0 {
		t.Errorf("it ended with status %d", got)
	}
}

// --exec leaves the network alone.
func TestExec(t *testing.T) {
	t.Parallel()
	a := nettest.New(t).Host("a")
	l := newLeader(t)
	log := filepath.Join(t.TempDir(), "log")
	script := filepath.Join(t.TempDir(), "move")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"$@\" $PGVIP_NODE $PGVIP_TOKEN >>"+log+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := startHold(t, a, "", "--exec", script+" extra", "--dev", "eth7")
	l.follow(t, p.in, "a")
	l.grant("a", 3)
	eventually(t, "vip.up", p.wrote(event.TypeVIPUp, 1))
	if a.Address(vip4) != nil {
		t.Error("the kernel has the address")
	}
	p.in.Close()
	p.end()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	want := "extra up 198.51.100.100 eth7 a 3\nextra down 198.51.100.100 eth7 a\n"
	if !strings.HasSuffix(string(text), want) || strings.Count(string(text), "\n") != 3 {
		t.Errorf("it was called so:\n%s\nwanted down at the start, and then\n%s", text, want)
	}
}

// The lab's own file, with its placeholders filled. Its commands go through sudo, as the user for whom they are allowed.
func TestLab(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../contrib/lab/files/pgpool.conf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/usr/bin/sudo"); err != nil {
		t.Skip("no sudo")
	}
	settings := strings.NewReplacer("<VIRTUAL IP>", vip4.String(), "<PRIMARY DNS NAME>", "db1", "<STANDBY DNS NAME>", "db2").Replace(string(text))
	a := nettest.New(t).Host("a")
	l := newLeader(t)
	p := startHold(t, a, settings)
	l.follow(t, p.in, "a")
	l.grant("a", 1)
	eventually(t, "vip.up", p.wrote(event.TypeVIPUp, 1))
	addr := a.Address(vip4)
	if addr == nil || addr.Label != "eth0:0" || time.Duration(addr.ValidLft)*time.Second > lease {
		t.Errorf("the kernel has %+v", addr)
	}
	p.in.Close()
	if got := p.end(); got != 0 || a.Address(vip4) != nil {
		t.Errorf("it ended with status %d, and the address is %v", got, a.Address(vip4))
	}
}
