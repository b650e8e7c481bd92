// Package frame is the PCP protocol of Pgpool-II on the wire: one type byte, a length that counts itself, and texts that end
// with a zero byte. Both sides use it.
//
// The source is Pgpool-II's behaviour; PCP has no document of its own. It has no version number either: which fields a
// reply has, the two sides must know.
package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The longest payloads that are read, in bytes. Pgpool-II refuses requests of more than 9999 with their length.
const (
	MaxRequest = 9999 - header
	MaxReply   = 16 << 20
)

// header is the length word, which counts itself.
const header = 4

// A Frame is one message of either side.
type Frame struct {
	Type    byte
	Payload []byte
}

// Read reads one frame whose payload has at most limit bytes. It holds no more of a frame that claims to be long than has
// arrived. The error is io.EOF when the other side closed between two frames.
func Read(r io.Reader, limit int) (Frame, error) {
	var head [1 + header]byte
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return Frame{}, err
	}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return Frame{}, cut(err)
	}
	f := Frame{Type: head[0]}
	length := binary.BigEndian.Uint32(head[1:])
	if length < header || uint64(length) > uint64(limit)+header {
		return f, &LengthError{Type: f.Type, Length: length, Limit: limit + header}
	}
	var err error
	want := int(length) - header
	if f.Payload, err = io.ReadAll(io.LimitReader(r, int64(want))); err == nil && len(f.Payload) < want {
		err = io.ErrUnexpectedEOF
	}
	return f, err
}

// cut is the end of a stream inside a frame.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A LengthError is a frame whose length cannot be: what follows is not read, for its end is not known.
type LengthError struct {
	Type   byte
	Length uint32
	Limit  int // the longest, counted as Length is
}

// Error implements error.
func (e *LengthError) Error() string {
	return fmt.Sprintf("a message %q says that it has %d bytes; it can be %d to %d", e.Type, e.Length, header, e.Limit)
}

// Append adds a frame whose payload is the texts.
func Append(dst []byte, kind byte, texts ...string) []byte {
	return AppendRaw(dst, kind, Payload(texts...))
}

// Payload is the texts, each with its zero byte. A text that has a zero byte in it ends there, as in C.
func Payload(texts ...string) (payload []byte) {
	for _, t := range texts {
		t, _, _ = strings.Cut(t, "\x00")
		payload = append(append(payload, t...), 0)
	}
	return payload
}

// AppendRaw adds a frame with a payload as it is, for those few that are not all texts.
func AppendRaw(dst []byte, kind byte, payload []byte) []byte {
	dst = append(dst, kind)
	dst = binary.BigEndian.AppendUint32(dst, uint32(header+len(payload)))
	return append(dst, payload...)
}

// Texts takes a payload apart that is all texts. The last one must have its zero byte too.
func Texts(payload []byte) ([]string, error) {
	if len(payload) == 0 {
		return nil, nil
	}
	s, ended := strings.CutSuffix(string(payload), "\x00")
	if !ended {
		return nil, errors.New("the last text of the message does not end with a zero byte")
	}
	return strings.Split(s, "\x00"), nil
}
