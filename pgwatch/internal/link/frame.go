package link

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	greeting  Kind = 0       // a hello; it is no message
	maxHello       = 4 << 10 // bytes of one: whoever sends it may have proved nothing yet but the key
	frameHead      = 5
)

// writeFrame writes a frame: four bytes for the length of the body, most significant first, one for the kind, and
// the body.
func writeFrame(w io.Writer, m Message) error {
	head := binary.BigEndian.AppendUint32(make([]byte, 0, frameHead), uint32(len(m.Body)))
	if _, err := w.Write(append(head, byte(m.Kind))); err != nil {
		return err
	}
	_, err := w.Write(m.Body)
	return err
}

// readFrame reads a frame whose body has at most limit bytes. At the end of the input the error is io.EOF, within a frame
// io.ErrUnexpectedEOF.
func readFrame(r io.Reader, limit int) (Message, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Message{}, err
	}
	length, k := binary.BigEndian.Uint32(head[:]), Kind(head[4])
	if k > Answer {
		return Message{}, protocolError(fmt.Sprintf("it sent a frame of the unknown kind %d", k))
	}
	if int64(length) > int64(limit) {
		return Message{}, protocolError(fmt.Sprintf("it sent a frame of %d bytes, more than %d", length, limit))
	}
	m := Message{Kind: k, Body: make([]byte, length)}
	if _, err := io.ReadFull(r, m.Body); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Message{}, err
	}
	return m, nil
}

// A protocolError is what the other side must not have sent.
type protocolError string

func (e protocolError) Error() string { return string(e) }
