package link

import (
	"bytes"
	"testing"
)

// A frame that is read is written the same again, and is never larger than its input and its limit.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02\x01hi"))
	f.Add([]byte("\x00\x00\x00\x00\x05"))
	f.Add([]byte("\xff\xff\xff\xff\x01"))
	f.Add([]byte("\x00\x00\x00\x09\x02short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		m, err := readFrame(r, maxHello)
		if err != nil {
			return
		}
		var w bytes.Buffer
		if err := writeFrame(&w, m); err != nil {
			t.Fatal(err)
		}
		if read := b[:len(b)-r.Len()]; !bytes.Equal(w.Bytes(), read) || len(m.Body) > maxHello {
			t.Fatalf("read %q, wrote %q", read, w.Bytes())
		}
	})
}

// A hello that is accepted has a number that can be one, and is written the same again.
func FuzzHello(f *testing.F) {
	f.Add([]byte(`{"version":1,"cluster":"blue","node":1,"boot":"x"}`))
	f.Add([]byte(`{"version":1,"node":-1}`))
	f.Add([]byte(`{"version":1,"node":1,"refused":"why"}`))
	f.Add([]byte(`null`))
	self := hello{Version: 1, Cluster: "blue", Node: 0, Boot: "y"}
	f.Fuzz(func(t *testing.T, b []byte) {
		var frame bytes.Buffer
		if err := writeFrame(&frame, Message{greeting, b}); err != nil {
			t.Fatal(err)
		}
		h, err := readHello(&frame)
		if err != nil || self.accepts(h) != "" {
			return
		}
		if h.Node < 1 || h.Node > maxNode || h.Version != 1 || h.Cluster != "" && h.Cluster != "blue" {
			t.Fatalf("accepted %+v", h)
		}
		if err := writeHello(&frame, h); err != nil {
			t.Fatal(err)
		}
		if again, err := readHello(&frame); err == nil && again != h {
			t.Fatalf("%+v became %+v", h, again)
		}
	})
}
