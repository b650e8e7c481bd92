package event

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A Reader reads the lines of one stream. It is used by one goroutine.
type Reader struct {
	r       *bufio.Reader
	line    int
	unknown int
	seq     uint64
	gap     bool
	broken  error
}

// NewReader returns a Reader of r. It holds no more than MaxLine bytes.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, MaxLine)} }

// Next returns the next event of a known type. The error is io.EOF at the end of the stream;
// another one names the line, and the stream cannot be read further.
func (r *Reader) Next() (Event, error) {
	r.gap = false
	for r.broken == nil {
		line, err := r.read()
		if err != nil {
			r.broken = err
			break
		}
		e, err := parse(line)
		if err != nil {
			r.broken = fmt.Errorf("line %d: %w", r.line, err)
			break
		}
		if (r.seq != 0 || e.Seq != 0) && r.line > 1 && e.Seq != r.seq+1 {
			r.gap = true
		}
		r.seq = e.Seq
		if known[e.Type] {
			return e, nil
		}
		r.unknown++
	}
	return Event{}, r.broken
}

// Gap says whether lines are missing before the event that Next returned last, so that what is known
// must be read anew from a snapshot. Streams written by hand, without numbers, have none.
func (r *Reader) Gap() bool { return r.gap }

// Unknown returns how many events were passed over because their type is not known.
func (r *Reader) Unknown() int { return r.unknown }

// Line returns the number of the line that was read last, from 1.
func (r *Reader) Line() int { return r.line }

// read returns the next line without its newline. It is valid until the next call.
func (r *Reader) read() ([]byte, error) {
	line, err := r.r.ReadSlice('\n')
	if len(line) > 0 || err == nil {
		r.line++
	}
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("line %d: more than %d bytes", r.line, MaxLine)
	case err == io.EOF && len(line) > 0:
		// The last line of a file made by hand. Half an object is found out below.
		return line, nil
	case err == io.EOF:
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("read events behind line %d: %w", r.line, err)
	}
	return line[:len(line)-1], nil
}

// parse reads the envelope of one line.
func parse(line []byte) (Event, error) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' {
		return Event{}, errors.New("this is no JSON object")
	}
	// RawMessage keeps a copy, so that the line may be overwritten.
	var e Event
	if err := json.Unmarshal(line, &e); err != nil {
		return Event{}, fmt.Errorf("this is no event: %w", err)
	}
	if e.Type == "" {
		return Event{}, errors.New("this event has no type")
	}
	if e.V != Version && e.V != 0 {
		return Event{}, fmt.Errorf("this event has version %d, only %d is understood", e.V, Version)
	}
	return e, nil
}
