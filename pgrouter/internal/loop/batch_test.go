package loop

import (
	"io"
	"strings"
	"testing"
)

// What is kept for the end of a round goes out whole and in order: beside large sends, more than a batch holds, and
// a connection that is closed within the round.
func TestBatchKeepsOrder(t *testing.T) {
	l := start(t)
	one, onePeer := unixPair(t)
	two, twoPeer := unixPair(t)
	a, b := newTeller().attach(t, l, one), newTeller().attach(t, l, two)
	large := strings.Repeat("L", smallSend+1)
	var wantA, wantB strings.Builder
	on(t, l, func() {
		send := func(h *teller, want *strings.Builder, s string) {
			want.WriteString(s)
			h.conn.Send([]byte(s))
		}
		l.batch.open = true
		send(a, &wantA, "first ")
		send(a, &wantA, "second ")
		send(b, &wantB, "other ")
		send(a, &wantA, "third ") // not the newest any more
		send(b, &wantB, large)
		send(a, &wantA, "fourth ")
		if len(l.batch.parcels) != 1 {
			t.Errorf("%d parcels are kept, wanted one", len(l.batch.parcels))
		}
		for range fullBatch / 1000 {
			send(b, &wantB, strings.Repeat("s", 1001))
		}
		a.conn.Close()
		l.batch.open = false
		l.writeBatch()
		if b.conn.Waiting() == 0 {
			b.conn.Close()
		}
	})
	for _, c := range []struct {
		peer io.Reader
		want string
	}{{onePeer, wantA.String()}, {twoPeer, wantB.String()}} {
		got, err := io.ReadAll(c.peer)
		if err != nil || string(got) != c.want {
			t.Errorf("%d bytes arrived, wanted %d: %v", len(got), len(c.want), err)
		}
	}
}

// Whoever asks whether output waits gets the answer of the kernel, not of a batch.
func TestWaitingSeesTheBatch(t *testing.T) {
	l := start(t)
	fd, peer := unixPair(t)
	h := newTeller().attach(t, l, fd)
	on(t, l, func() {
		for !h.conn.Send(make([]byte, smallSend+1)) {
		}
		waits := h.conn.Waiting()
		l.batch.open = true
		h.conn.Send([]byte("more"))
		if got := h.conn.Waiting(); got != waits+4 {
			t.Errorf("%d bytes wait, wanted %d", got, waits+4)
		}
		l.batch.open = false
	})
	peer.Close()
}
