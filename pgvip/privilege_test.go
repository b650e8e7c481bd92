package main

import (
	"os/exec"
	"testing"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgvip/internal/nettest"
)

// A user who is not root holds the address with the two capabilities of the unit and nothing else.
func TestUnprivileged(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip(err)
	}
	n := nettest.New(t)
	a, client := n.Host("a"), n.Host("client")
	client.SetNeighbor(vip4, nobody)
	l := newLeader(t)
	p := startHoldBy(t, a, "", []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "--inh-caps=+net_admin,+net_raw",
		"--ambient-caps=+net_admin,+net_raw", "--bounding-set=-all,+net_admin,+net_raw"})
	l.follow(t, p.in, "a")
	l.grant("a", 1)
	eventually(t, "vip.up", p.wrote(event.TypeVIPUp, 1))
	eventually(t, "the client knows a", func() bool { return client.Neighbor(vip4) == a.MAC.String() })
	p.in.Close()
	if got := p.end(); got != 0 || a.Address(vip4) != nil {
		t.Errorf("it ended with status %d, and the address is %v", got, a.Address(vip4))
	}
}

// A reader of the reports that goes away is no reason to give the address up.
func TestReportsUnread(t *testing.T) {
	t.Parallel()
	a := nettest.New(t).Host("a")
	l := newLeader(t)
	p := startHoldBy(t, a, "", []string{"sh", "-c", `"$@" | true`, "sh"})
	l.follow(t, p.in, "a")
	l.grant("a", 1)
	eventually(t, "it says that nobody reads", func() bool { return p.said("reports can no longer be written") })
	if a.Address(vip4) == nil {
		t.Error("the address is gone")
	}
	p.in.Close()
	p.end()
	if a.Address(vip4) != nil {
		t.Error("the address stays")
	}
}
