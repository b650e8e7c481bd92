package door

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// A clock stands still until it is moved.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func (c *clock) pass(d time.Duration) { c.Time = c.Add(d) }

func TestGuard(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	g := NewGuard(c.now)
	right, wrong := func() bool { return true }, func() bool { return false }
	asked := func() bool { t.Error("a try counted while the address had to wait"); return true }
	try := func(what, from string, f func() bool, wantOK bool, wantWait time.Duration) {
		t.Helper()
		if ok, wait := g.Try(from, f); ok != wantOK || wait != wantWait {
			t.Errorf("%s: %v, wait %v; wanted %v, %v", what, ok, wait, wantOK, wantWait)
		}
	}
	for range freeTries - 1 {
		try("mistyped", "a", wrong, false, 0)
	}
	try("right after all", "a", right, true, 0)
	for range freeTries - 1 {
		try("mistyped again, from the beginning", "a", wrong, false, 0)
	}
	try("once too often", "a", wrong, false, time.Second)
	c.pass(400 * time.Millisecond)
	try("too early", "a", asked, false, 600*time.Millisecond)
	try("another address", "b", right, true, 0)
	c.pass(600 * time.Millisecond)
	try("once more", "a", wrong, false, 2*time.Second)
	for wait := 2 * time.Second; wait < longestWait; {
		c.pass(wait)
		wait = min(2*wait, longestWait)
		try("and again", "a", wrong, false, wait)
	}
	for range 20 {
		c.pass(longestWait)
		try("it does not grow for ever", "a", wrong, false, longestWait)
	}
	c.pass(longestWait)
	try("the right one at last", "a", right, true, 0)
	for range freeTries {
		g.Try("a", wrong)
	}
	c.pass(memory)
	try("forgotten", "a", wrong, false, 0)
}

// Many addresses do not fill the memory, and none of them makes the Guard forget a newer one.
func TestGuardForgets(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	g := NewGuard(c.now)
	wrong := func() bool { return false }
	const more = 100
	for i := range maxStrikes + more {
		g.Try(fmt.Sprint(i), wrong)
		c.pass(time.Millisecond)
		if len(g.strikes) > maxStrikes {
			t.Fatalf("%d addresses are remembered", len(g.strikes))
		}
	}
	newest := fmt.Sprint(maxStrikes + more - 1)
	if g.strikes[newest].failures != 1 || g.strikes["0"].failures != 0 {
		t.Errorf("the newest has %d failures, the oldest %d", g.strikes[newest].failures, g.strikes["0"].failures)
	}
	c.pass(memory)
	g.Try("x", wrong)
	if len(g.strikes) != 1 {
		t.Errorf("%d are remembered for ever", len(g.strikes))
	}
}

// Tries that come together count like tries one after the other.
func TestGuardTogether(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	g := NewGuard(c.now)
	tries := 0
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { g.Try("a", func() bool { tries++; return false }) })
	}
	all.Wait()
	if tries != freeTries {
		t.Errorf("%d of 100 passwords were tried", tries)
	}
}
