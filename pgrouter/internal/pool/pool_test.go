package pool

import (
	"testing"

	"pgregory.net/rapid"
)

func TestTakePrefersTheMostRecentOfTheEpoch(t *testing.T) {
	p := New[string, int]()
	for i, epoch := range []uint64{1, 2, 2, 1} {
		p.Put(&Item[string, int]{Key: "k", Epoch: epoch, Conn: i})
	}
	for _, want := range []int{2, 1} {
		it, ok := p.Take("k", 2)
		if !ok || it.Conn != want {
			t.Fatalf("took %v, %v; want connection %d", it, ok, want)
		}
	}
	if it, ok := p.Take("k", 2); ok {
		t.Fatalf("took connection %d of an older epoch", it.Conn)
	}
	if _, ok := p.Take("other", 1); ok {
		t.Fatal("took a connection of another key")
	}
}

func TestOldestOfANode(t *testing.T) {
	p := New[string, int]()
	p.Put(&Item[string, int]{Key: "a", Node: 0, Conn: 1})
	p.Put(&Item[string, int]{Key: "b", Node: 1, Conn: 2})
	p.Put(&Item[string, int]{Key: "a", Node: 1, Conn: 3})
	for _, want := range []int{2, 3} {
		if it, ok := p.Oldest(1); !ok || it.Conn != want {
			t.Fatalf("oldest of node 1 is %v, %v; want %d", it, ok, want)
		}
	}
	if it, ok := p.Oldest(-1); !ok || it.Conn != 1 {
		t.Fatalf("oldest of all is %v, %v; want 1", it, ok)
	}
}

// Whatever is put and taken in whatever order, nothing is lost, doubled or miscounted.
func TestKeepsWhatItHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := New[int, int]()
		have := map[int]int{} // connection -> key
		serial := 0
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				serial++
				k := rapid.IntRange(0, 3).Draw(t, "key")
				p.Put(&Item[int, int]{Key: k, Node: k % 2, Conn: serial})
				have[serial] = k
			},
			"take": func(t *rapid.T) {
				k := rapid.IntRange(0, 3).Draw(t, "key")
				if it, ok := p.Take(k, 0); ok {
					if have[it.Conn] != k {
						t.Fatalf("connection %d of key %d taken for %d", it.Conn, have[it.Conn], k)
					}
					delete(have, it.Conn)
				}
			},
			"expire": func(t *rapid.T) {
				k := rapid.IntRange(0, 3).Draw(t, "key")
				for _, it := range p.Expire(func(it *Item[int, int]) bool { return it.Key == k }) {
					delete(have, it.Conn)
				}
			},
			"oldest": func(t *rapid.T) {
				if it, ok := p.Oldest(rapid.IntRange(-1, 1).Draw(t, "node")); ok {
					delete(have, it.Conn)
				}
			},
			"": func(t *rapid.T) {
				seen := 0
				p.Each(func(it *Item[int, int]) {
					seen++
					if _, ok := have[it.Conn]; !ok {
						t.Fatalf("connection %d is there and should not be", it.Conn)
					}
				})
				if seen != len(have) || p.Len() != len(have) {
					t.Fatalf("%d seen, %d counted, %d expected", seen, p.Len(), len(have))
				}
			},
		})
	})
}
