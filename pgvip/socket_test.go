package main

import (
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pgcrew/pgcrew/common/control"
	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgvip/internal/nettest"
)

// watch answers on pgwatch.sock as pgwatch does: follow streams what the leader says, report takes reports.
func watch(t *testing.T, dir string, l *leader, reports chan event.Event) *control.Server {
	t.Helper()
	s, err := control.Listen(filepath.Join(dir, watchSocket), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(context.Background(), func(_ context.Context, _ control.Peer, r control.Request) (any, error) {
			switch r.Op {
			case "follow":
				return control.Stream(func(ctx context.Context, c net.Conn) error {
					l.follow(t, c, "a")
					<-ctx.Done()
					return nil
				}), nil
			case "report":
				var e event.Event
				if err := r.Bind(&e); err != nil {
					t.Error(err)
				}
				reports <- e
				return nil, nil
			}
			return nil, control.Unknown(r.Op)
		})
	}()
	t.Cleanup(func() { s.Close(); <-done })
	return s
}

// The socket is followed when nobody writes to standard input; a connection that ends takes the address with it, and
// the next one brings it back. pgwatch hears what was done, and pgvip status shows it.
func TestSocket(t *testing.T) {
	t.Parallel()
	a := nettest.New(t).Host("a")
	l := newLeader(t)
	p := startHold(t, a, "", "--socket")
	reports := make(chan event.Event, 100)
	eventually(t, "it says that pgwatch is not there", func() bool { return p.said("pgwatch cannot be followed") })
	s := watch(t, p.dir, l, reports)
	l.grant("a", 1)
	eventually(t, "vip.up", p.wrote(event.TypeVIPUp, 1))
	if e := <-reports; e.Type != event.TypeVIPUp || e.Node != "a" || e.Cluster != "lab" {
		t.Errorf("pgwatch heard %+v", e)
	}

	config := filepath.Join(p.dir, "pgpool.conf")
	text, words, err := a.Run("pgvip", "status", "-j", "--config", config)
	var got shown
	if err != nil || json.Unmarshal([]byte(text), &got) != nil {
		t.Fatalf("status: %v %s %s", err, text, words)
	}
	if len(got.Addresses) != 1 || got.Addresses[0].Holder != "self" || got.Addresses[0].LifetimeS == nil || got.Hold == nil ||
		got.Hold.Source != "socket" || got.Hold.Node != "a" || len(got.Hold.Addresses) != 1 || got.Hold.Addresses[0].State != "up" {
		t.Errorf("status is %s", text)
	}
	if text, _, err = a.Run("pgvip", "status", "--config", config); err != nil || !strings.Contains(text, "self") {
		t.Errorf("status: %v\n%s", err, text)
	}
	for _, command := range []string{"claim", "release"} {
		if _, words, err := a.Run("pgvip", command, "--config", config); err == nil || !strings.Contains(words, "belongs to the pgvip hold that runs") {
			t.Errorf("%s: %v %s", command, err, words)
		}
	}

	s.Close()
	eventually(t, "vip.down", p.wrote(event.TypeVIPDown, 1))
	watch(t, p.dir, l, reports)
	eventually(t, "vip.up again", p.wrote(event.TypeVIPUp, 2))
	p.signal(syscall.SIGTERM)
	if got := p.end(); got != 0 || a.Address(vip4) != nil {
		t.Errorf("it ended with status %d, and the address is %v", got, a.Address(vip4))
	}
}

// By hand: an address that another host has is refused, and taken with --force.
func TestByHand(t *testing.T) {
	t.Parallel()
	n := nettest.New(t)
	a, b, client := n.Host("a"), n.Host("b"), n.Host("client")
	config := configure(t, "")
	run := func(h *nettest.Host, args ...string) (out, words string, err error) {
		return h.Run("pgvip", append(args, "--config", config)...)
	}
	client.SetNeighbor(vip4, nobody)
	out, words, err := run(a, "claim", "--for", "60s")
	if err != nil || !strings.Contains(out, event.TypeVIPUp) {
		t.Fatalf("claim: %v %s %s", err, out, words)
	}
	if left := a.Address(vip4).ValidLft; left < 30 || left > 60 {
		t.Errorf("it lives for %d s", left)
	}
	eventually(t, "the client knows a", func() bool { return client.Neighbor(vip4) == a.MAC.String() })
	if text, _, err := run(b, "status"); err != nil || !strings.Contains(text, a.MAC.String()) || !strings.Contains(text, "does not run") {
		t.Errorf("status: %v\n%s", err, text)
	}
	if _, words, err := run(b, "claim"); err == nil || !strings.Contains(words, a.MAC.String()) || b.Address(vip4) != nil {
		t.Errorf("a second holder: %v %s", err, words)
	}
	if _, words, err := run(b, "claim", "--force"); err != nil || b.Address(vip4) == nil {
		t.Errorf("by force: %v %s", err, words)
	}
	if out, words, err := run(a, "release"); err != nil || !strings.Contains(out, event.TypeVIPDown) || a.Address(vip4) != nil {
		t.Errorf("release: %v %s %s", err, out, words)
	}
	if out, _, err := run(a, "release"); err != nil || out != "" {
		t.Errorf("release what is not there: %v %s", err, out)
	}
}

// check finds the interface, and what is missing.
func TestCheck(t *testing.T) {
	t.Parallel()
	a := nettest.New(t).Host("a")
	out, words, err := a.Run("pgvip", "check", "--config", configure(t, "delegate_ip = '198.51.100.100, fd00:51::100'\n"))
	if err != nil || !strings.HasSuffix(out, "fine, 198.51.100.100%eth0, fd00:51::100%eth0") || words != "" {
		t.Errorf("%v %s %s", err, out, words)
	}
	bad := configure(t, "delegate_ip = '192.0.2.7'\nif_up_cmd = '/nowhere/sudo /sbin/ip addr add $_IP_$/24 dev eth7'\n")
	_, words, err = a.Run("pgvip", "check", "--config", bad)
	if err == nil || err.Error() != "exit status 100" {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"pgpool.conf:3: if_up_cmd: ", "/nowhere/sudo", "only one of if_up_cmd and if_down_cmd is set", "192.0.2.7: network interface eth7: Link not found"} {
		if !strings.Contains(words, want) {
			t.Errorf("it does not say %q: %s", want, words)
		}
	}
	out, words, err = a.Run("setpriv", "--bounding-set=-net_admin,-net_raw", "--inh-caps=-net_admin,-net_raw", "pgvip", "check", "--config", configure(t, ""))
	if err == nil || !strings.Contains(words, "CAP_NET_ADMIN is missing") || !strings.Contains(words, "CAP_NET_RAW is missing") {
		t.Errorf("without privileges: %v %s %s", err, out, words)
	}
}
