package auth

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxLoginMessage is the longest message in bytes that a server may send before it is ready. Notices
// of login triggers are the only ones of any length.
const maxLoginMessage = 1 << 20

// frames reads a server's messages through a buffer.
type frames struct {
	src io.Reader
	buf []byte // read and not yet taken
}

// next returns a whole message, header included. It is valid until the next call.
func (f *frames) next() (typ byte, body, raw []byte, err error) {
	if err := f.fill(5); err != nil {
		return 0, nil, nil, err
	}
	n := binary.BigEndian.Uint32(f.buf[1:])
	if n < 4 || n > maxLoginMessage {
		return 0, nil, nil, fmt.Errorf("server sent a message of type %q with length %d: is it PostgreSQL?", f.buf[0], n)
	}
	whole := int(n) + 1
	if err := f.fill(whole); err != nil {
		return 0, nil, nil, err
	}
	raw, f.buf = f.buf[:whole], f.buf[whole:]
	return raw[0], raw[5:], raw, nil
}

// fill reads until n bytes are there.
func (f *frames) fill(n int) error {
	for len(f.buf) < n {
		if len(f.buf) == cap(f.buf) || cap(f.buf) < min(n, 2048) {
			// Grow with what really arrives: a length word alone must not cost a megabyte.
			grown := make([]byte, len(f.buf), max(4096, 2*len(f.buf)))
			copy(grown, f.buf)
			f.buf = grown
		}
		m, err := f.src.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf = f.buf[:len(f.buf)+m]
		if m == 0 && err != nil {
			if err == io.EOF && len(f.buf) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// rest returns what was read and not taken.
func (f *frames) rest() []byte {
	if len(f.buf) == 0 {
		return nil
	}
	return bytes.Clone(f.buf)
}

var errNoTerminator = errors.New("string without terminator")

// cString takes a string that must end with the body.
func cString(body []byte) (string, error) {
	if at := bytes.IndexByte(body, 0); at < 0 || at != len(body)-1 {
		return "", errNoTerminator
	}
	return string(body[:len(body)-1]), nil
}
