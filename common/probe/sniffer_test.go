package probe

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/iotest"
)

func TestSnifferFindsTheMethodHoweverItArrives(t *testing.T) {
	for name, c := range map[string]struct {
		sent []byte
		want uint32
	}{
		"scram":    {[]byte("R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"), 10},
		"trust":    {[]byte("R\x00\x00\x00\x08\x00\x00\x00\x00S\x00"), 0},
		"an error": {[]byte("E\x00\x00\x00\x17\x00\x00\x00\x0aFATAL"), 0},
		"cut off":  {[]byte("R\x00\x00\x00\x17\x00\x00"), 0},
	} {
		for _, r := range []io.Reader{bytes.NewReader(c.sent), iotest.OneByteReader(bytes.NewReader(c.sent))} {
			s := &sniffer{Conn: readOnly{r: r}}
			got, err := io.ReadAll(s)
			if err != nil || !bytes.Equal(got, c.sent) || s.method != c.want {
				t.Errorf("%s: method %d, %q, %v", name, s.method, got, err)
			}
		}
	}
}

// readOnly is a connection that only reads.
type readOnly struct {
	net.Conn
	r io.Reader
}

func (c readOnly) Read(b []byte) (int, error) { return c.r.Read(b) }
