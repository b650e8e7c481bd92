package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/pgcrew/pgcrew/common/event"
	"github.com/pgcrew/pgcrew/pgvip/internal/nettest"
)

// Whatever ends the right to hold the address ends the address.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		do     func(t *testing.T, l *leader, p *holding)
		ends   bool
		status int
		reason string
	}{
		{"SIGTERM", func(_ *testing.T, _ *leader, p *holding) { p.signal(syscall.SIGTERM) }, true, 0, "pgvip stops"},
		{"SIGINT", func(_ *testing.T, _ *leader, p *holding) { p.signal(syscall.SIGINT) }, true, 0, "pgvip stops"},
		{"end of input", func(_ *testing.T, _ *leader, p *holding) { p.in.Close() }, true, 0, "the input has ended"},
		{"not JSON", func(_ *testing.T, _ *leader, p *holding) { p.in.Write([]byte("hello\n")) }, true, 1, "the input cannot be read"},
		{"silence", func(_ *testing.T, l *leader, _ *holding) { l.silence() }, false, 0, "nothing was heard for the length of the lease"},
		{"revoke", func(_ *testing.T, l *leader, _ *holding) {
			l.say(event.VIPRevoke{Addr: vip4.String(), Token: 5, Reason: "an operator wants it"})
		}, false, 0, "it was revoked: an operator wants it"},
		{"lower token", func(_ *testing.T, l *leader, _ *holding) { l.grant("a", 4) }, false, 0, "token 4 is older than 5"},
		{"another holder", func(_ *testing.T, l *leader, _ *holding) { l.grant("b", 6) }, false, 0, "node b holds it"},
		{"bye", func(_ *testing.T, l *leader, _ *holding) { l.silence(); l.say(event.Bye{}) }, false, 0, "pgwatch stops"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := nettest.New(t).Host("a")
			l := newLeader(t)
			p := startHold(t, a, "")
			l.follow(t, p.in, "a")
			l.grant("a", 5)
			eventually(t, "vip.up", p.wrote(event.TypeVIPUp, 1))
			if a.Address(vip4) == nil {
				t.Error("vip.up was reported without the address")
			}
			c.do(t, l, p)
			eventually(t, "vip.down", p.wrote(event.TypeVIPDown, 1))
			if a.Address(vip4) != nil {
				t.Error("vip.down was reported with the address there")
			}
			if !strings.Contains(p.out.String(), `"reason":"`+c.reason+`"`) {
				t.Errorf("the reason is not %q in %s", c.reason, p.out)
			}
			if c.ends {
				if got := p.end(); got != c.status {
					t.Errorf("the exit status is %d, not %d", got, c.status)
				}
			}
		})
	}
}

// A pgvip that was stopped for longer than its lease finds a pipe full of old lines. They give no right.
func TestFrozen(t *testing.T) {
	t.Parallel()
	a := nettest.New(t).Host("a")
	l := newLeader(t)
	p := startHold(t, a, "")
	l.follow(t, p.in, "a")
	l.grant("a", 5)
	eventually(t, "vip.up", p.wrote(event.TypeVIPUp, 1))
	p.signal(syscall.SIGSTOP)
	eventually(t, "the kernel removes the address of a frozen pgvip", func() bool { return a.Address(vip4) == nil })
	l.silence() // the newest line in the pipe gives the right; let it grow old too
	begin, _ := event.SystemClock()
	eventually(t, "the newest line is older than the lease", func() bool { now, _ := event.SystemClock(); return now-begin > lease })
	p.signal(syscall.SIGCONT)
	eventually(t, "vip.down", p.wrote(event.TypeVIPDown, 1))
	p.in.Close()
	p.end()
	if p.wrote(event.TypeVIPUp, 2)() {
		t.Error("old lines made it claim the address")
	}
}

// What a pgvip that was killed, or a person, has left is removed at the start.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	a := nettest.New(t).Host("a")
	if _, words, err := a.Run("pgvip", "claim", "--config", configure(t, ""), vip4.String()); err != nil || a.Address(vip4) == nil {
		t.Fatalf("claim: %v %s", err, words)
	}
	p := startHold(t, a, "")
	eventually(t, "it is removed", func() bool { return a.Address(vip4) == nil })
	p.in.Close()
	if p.end() != 0 || p.out.String() != "" {
		t.Errorf("it wrote %s", p.out)
	}
}
