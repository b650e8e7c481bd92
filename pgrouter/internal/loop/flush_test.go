package loop

import (
	"bytes"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A peer that takes a long output in small pieces does not make the loop move what is left forward each time.
func TestFlushMovesNothing(t *testing.T) {
	l := start(t)
	fd, peer := rawPair(t)
	defer unix.Close(peer)
	h := newTeller().attach(t, l, fd)
	sent := make([]byte, 4<<20)
	new(pattern).fill(sent)
	var got []byte
	moved, pieces := 0, 0
	on(t, l, func() {
		c := h.conn
		c.Send(sent)
		piece := make([]byte, 16<<10)
		for len(c.out) > 0 {
			n, err := unix.Read(peer, piece)
			if err != nil {
				t.Error(err)
				return
			}
			got = append(got, piece[:n]...)
			first, before := unsafe.SliceData(c.out), len(c.out)
			c.flush()
			if after := len(c.out); after > 0 && after < before {
				pieces++
				if unsafe.SliceData(c.out) != (*byte)(unsafe.Add(unsafe.Pointer(first), before-after)) {
					moved += after
				}
			}
		}
	})
	for piece := make([]byte, 16<<10); len(got) < len(sent); {
		n, err := unix.Read(peer, piece)
		if err != nil || n == 0 {
			break
		}
		got = append(got, piece[:n]...)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes arrived of %d, or others", len(got), len(sent))
	}
	if moved > 0 || pieces == 0 {
		t.Errorf("%d bytes were moved for %d pieces of output", moved, pieces)
	}
}
