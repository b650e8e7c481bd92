package link

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"
)

func TestTheOldestOfAKindGo(t *testing.T) {
	q, now := newQueue(), time.Now()
	for i := range maxWaiting + 10 {
		q.put(now, Message{Raft, []byte(fmt.Sprint(i))})
	}
	q.put(now, Message{Ask, []byte("another kind")})
	list := q.take(now)
	if len(list) != maxWaiting+1 || string(list[0].Body) != "10" || string(list[maxWaiting].Body) != "another kind" {
		t.Fatalf("%d messages, the first is %q", len(list), list[0].Body)
	}

	for i := range maxWaitingBytes/MaxBody + 2 {
		q.put(now, Message{Answer, bytes.Repeat([]byte{byte(i)}, MaxBody)})
	}
	list = q.take(now)
	if len(list) != maxWaitingBytes/MaxBody || list[0].Body[0] != 2 {
		t.Fatalf("%d large messages, the first is of %d", len(list), list[0].Body[0])
	}
	if list = q.take(now); len(list) != 0 {
		t.Fatalf("taken twice: %d messages", len(list))
	}
}

func TestWhatWaitedTooLongIsNotSent(t *testing.T) {
	q, now := newQueue(), time.Now()
	q.put(now, Message{Raft, []byte("old")})
	q.put(now.Add(maxWait/2), Message{Raft, []byte("new")})
	list := q.take(now.Add(maxWait + 1))
	if len(list) != 1 || string(list[0].Body) != "new" {
		t.Fatalf("got %v", list)
	}
}

func TestPausesGrow(t *testing.T) {
	for _, jitter := range []float64{0, 0.5, 0.999} {
		var b backoff
		for _, least := range []time.Duration{20, 40, 80, 160, 250, 250} {
			least *= time.Millisecond
			want := least + time.Duration(jitter*float64(least))
			if got := b.next(jitter); got != want || got < shortestPause || got > longestPause {
				t.Fatalf("pause %v, want %v", got, want)
			}
		}
		b.reset()
		if got := b.next(0); got != shortestPause {
			t.Fatalf("after a reset: %v", got)
		}
	}
}

func TestTheGateCounts(t *testing.T) {
	var g gate
	host := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) }
	for range maxStrangersOfOneIP {
		if !g.enter(host(0)) {
			t.Fatal("too few of one host")
		}
	}
	if g.enter(host(0)) {
		t.Fatal("too many of one host")
	}
	for i := range maxStrangers - maxStrangersOfOneIP {
		if !g.enter(host(1 + i)) {
			t.Fatalf("host %d is kept out", 1+i)
		}
	}
	if g.enter(host(200)) {
		t.Fatal("too many")
	}
	g.leave(host(0))
	if !g.enter(host(200)) {
		t.Fatal("who left is still counted")
	}
	if g.leave(host(200)); len(g.hosts) != 1+maxStrangers-maxStrangersOfOneIP {
		t.Fatalf("%d hosts are remembered", len(g.hosts))
	}
}

func TestTheSameIsSaidOnceAMinute(t *testing.T) {
	var l logged
	c := complaints{log: slog.New(slog.NewTextHandler(&l, nil))}
	now := time.Now()
	say := func(at time.Duration, about, what string) {
		c.say(now.Add(at), slog.LevelWarn, complaint{about: about, what: what}, "node", about)
	}
	say(0, "1", "lost")
	say(time.Second, "1", "lost")
	say(time.Second, "2", "lost")
	say(time.Second, "1", "refused")
	say(time.Minute, "1", "lost")
	if lines := l.lines(""); len(lines) != 4 {
		t.Fatalf("said: %v", lines)
	}
	for i := range 2 * maxComplaints {
		say(time.Minute, fmt.Sprint("host ", i), "lost")
	}
	if len(c.at) > maxComplaints {
		t.Fatalf("%d are remembered", len(c.at))
	}
	say(3*time.Minute, "another", "lost")
	if lines := l.lines("another"); len(lines) != 1 {
		t.Fatalf("said of another: %v", lines)
	}
}
