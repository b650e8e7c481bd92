package control

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// errTooLong is a line beyond the limit; what follows it cannot be told from its rest.
var errTooLong = errors.New("line too long")

// readLine returns the next line without its newline. It holds no more than limit bytes.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return nil, fmt.Errorf("%w: more than %d bytes", errTooLong, limit)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// parseRequest reads one line.
func parseRequest(line []byte) (Request, error) {
	var r Request
	if line = bytes.TrimSpace(line); len(line) == 0 || line[0] != '{' {
		return r, errors.New("this is no JSON object")
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return Request{ID: r.ID}, fmt.Errorf("this is no request: %w", err)
	}
	if r.Op == "" {
		return r, errors.New("this request has no op")
	}
	return r, nil
}

// strict is json.Unmarshal that refuses members it does not know.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
